"""Keys for people: what is written, the script that adds and revokes, and a real LiteLLM between Caddy and an engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from advisor.deploy import parts_of, people
from advisor.engines.ways import WAYS
from advisor.errors import BadInput
from advisor.plan import with_way
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.front import KEY, Front, Upstream, free_port, gateway, planned, wait_for, written
from tests.deploy.test_scrape import watching
from tests.engines.engine_cases import first_plan, tool
from tests.required import absent
from tests.smoke.fake_engine import Behaviour


def with_keys(engine: str = "vllm", *more: str) -> Plan:
    """A plan that others reach, with keys for people."""
    return replace(planned(engine), parts=("compose", "native", "gateway", "keys", *more))


def texts(plan: Plan) -> dict[str, str]:
    """Path → text of the rendered folder."""
    return {file.path: file.text for file in render(plan)}


def keys_sh(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The script with these words."""
    return subprocess.run(
        ["bash", str(folder / "keys.sh"), *words], capture_output=True, text=True, check=False, timeout=60, cwd="/"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the part."""
    return written(with_keys(), tmp_path / "deploy here")


def test_only_who_asks_gets_it() -> None:
    """No plan has the part by itself; who names it has the gateway too; elsewhere than here the refusal says where."""
    plan = first_plan("vllm", "rtx-4090", "production")
    assert "keys" not in parts_of(plan)
    asked = replace(plan, workload=replace(plan.workload, parts="keys", run="native"))
    assert parts_of(asked) == ("native", "gateway", "keys")
    for way in ("systemd", "podman", "kubernetes"):
        with pytest.raises(BadInput, match=f"compose and native, not for {way}"):
            parts_of(replace(plan, workload=replace(plan.workload, parts="keys", run=way)))
        with pytest.raises(BadInput, match=f"--run {way}: .*not for {way}"):
            with_way(replace(plan, parts=("native", "gateway", "keys")), way)
        with pytest.raises(BadInput, match=r"--parts keys: .*compose and native"):
            parts_of(replace(plan, workload=replace(plan.workload, parts=f"keys,{WAYS[way]}")))


def test_a_pod_asks_no_litellm() -> None:
    """`--parts all` writes people's keys for the ways that start LiteLLM; the gateway of a pod knows nothing of them."""
    plan = first_plan("vllm", "rtx-4090", "production")
    files = texts(replace(plan, parts=("compose", "kubernetes", "gateway", "keys")))
    assert "@person" in files["gateway/Caddyfile"] and "@person" not in files["kubernetes/Caddyfile"]


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_what_is_written_fits_together(engine: str) -> None:
    """LiteLLM is told the served name and the engine's address, no file holds a key, and Prometheus reads its counters."""
    plan = with_keys(engine, "monitoring")
    files = texts(plan)
    config = yaml.safe_load(files["gateway/keys/config.yaml"])
    assert config["model_list"][0]["model_name"] == plan.launch.served_name
    services = yaml.safe_load(files["compose.yaml"])["services"]
    assert services["keys"]["environment"]["ADVISOR_ENGINE"] == f"http://gateway:{people.INNER_PORT}/v1"
    assert services["gateway"]["environment"]["ADVISOR_KEYS"] == f"keys:{people.PORT}"
    assert "API_KEY" not in json.dumps(services["keys"]) and services["keys"]["image"] == people.IMAGE
    assert services["keys"]["ports"] == [f"127.0.0.1:{people.PORT}:{people.PORT}"]
    jobs = {job["job_name"] for job in yaml.safe_load(files["monitoring/prometheus.native.yml"])["scrape_configs"]}
    assert {"gateway", "keys"} <= jobs
    compile(files["gateway/keys/known.py"], "known.py", "exec")


def test_without_the_part_nothing_of_it_is_there() -> None:
    """A gateway with one key names LiteLLM nowhere."""
    assert not re.search(
        "litellm|ADVISOR_KEYS", json.dumps(texts(replace(with_keys(), parts=("compose", "gateway")))), re.I
    )


def test_a_key_is_shown_once_and_kept_as_a_hash(folder: Path) -> None:
    """The key stands in no file; name and limits do, readable by a container; a second name does not disturb the first."""
    key = keys_sh(folder, "add", "alice", "60", "100000").stdout.strip()
    assert re.fullmatch("sk-[0-9a-f]{48}", key)
    keys_sh(folder, "add", "al")
    kept = {path.name: path for path in (folder / "gateway" / "keys" / "people").iterdir()}
    assert len(kept) == 2 and all(re.fullmatch(r"[0-9a-f]{64}\.json", name) for name in kept)
    assert not any(key in path.read_text() for path in folder.rglob("*") if path.is_file())
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in kept.values())
    found = sorted((json.loads(path.read_text()) for path in kept.values()), key=lambda each: str(each["name"]))
    assert found == [
        {"name": "al", "requests_per_minute": None, "tokens_per_minute": None},
        {"name": "alice", "requests_per_minute": 60, "tokens_per_minute": 100000},
    ]
    assert keys_sh(folder, "limit", "alice", "5").returncode == 0
    assert '"requests_per_minute": 5, "tokens_per_minute": null' in keys_sh(folder, "list").stdout
    assert keys_sh(folder, "revoke", "al").returncode == 0
    assert "alice" in keys_sh(folder, "list").stdout and '"al"' not in keys_sh(folder, "list").stdout


@pytest.mark.parametrize(
    "words",
    [
        (), ("remove", "x"), ("add",), ("add", ""), ("add", 'a"b'), ("add", "../x"), ("add", "a b"), ("add", "-x"),
        ("add", "a" * 65), ("add", "x", "many"), ("add", "x", "-1"), ("add", "x", "1", "1.5"), ("revoke", "nobody"),
        ("limit", "nobody", "3"), ("revoke", ".*"),
    ],
)  # fmt: skip
def test_what_it_does_not_understand_changes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    """Exit 2 with what was seen, and the keys of others stay."""
    keys_sh(folder, "add", "alice")
    before = keys_sh(folder, "list").stdout
    refused = keys_sh(folder, *words)
    assert refused.returncode == 2 and refused.stderr.startswith("keys.sh: ")
    assert keys_sh(folder, "list").stdout == before


@pytest.mark.external
def test_the_script_is_clean(folder: Path) -> None:
    """shellcheck finds nothing."""
    done = subprocess.run(
        [tool("shellcheck"), "-S", "style", "keys.sh"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@contextmanager
def litellm(folder: Path, inner: int, port: int) -> Iterator[None]:
    """LiteLLM as run.sh starts it, behind a gateway and in front of its inner port."""
    cache = Path(os.environ.get("ADVISOR_TOOLS", Path.home() / ".cache" / "advisor-tools"))
    if not (cache / "litellm").exists():
        absent("litellm is not installed: tests/tools/people.sh")
    known = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "ADVISOR_ENGINE": f"http://127.0.0.1:{inner}/v1",
        "NO_DOCS": "True", "NO_REDOC": "True", "DISABLE_ADMIN_UI": "True", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
    }  # fmt: skip
    words = ["--config", str(folder / "gateway/keys/config.yaml"), "--host", "127.0.0.1", "--telemetry", "False"]
    log = folder / "keys.log"
    with log.open("wb") as out, subprocess.Popen(
        [cache / "litellm", *words, "--port", str(port)], stdout=out, stderr=out, env=known, start_new_session=True
    ) as process:  # fmt: skip
        try:
            wait_for(port, process, log, patience_s=180)
            yield
        finally:
            process.terminate()


@contextmanager
def served(folder: Path) -> Iterator[tuple[Front, Upstream, int]]:
    """Caddy, LiteLLM and the fake engine, all up."""
    port, inner = free_port(), free_port()
    slow = Upstream(Behaviour(model=with_keys().launch.served_name, ttft_s=0.2, tpot_s=0.1))
    caddyfile = folder / "gateway" / "Caddyfile"
    ports = {"ADVISOR_KEYS": f"127.0.0.1:{port}", "ADVISOR_INNER_PORT": str(inner)}
    with slow.serving(), litellm(folder, inner, port), gateway(caddyfile, slow.port, folder, **ports) as front:
        yield front, slow, port


def usage(port: int) -> dict[str, dict[str, float]]:
    """Name → requests and tokens, from what Prometheus would read."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics/", timeout=10) as answer:
        page = answer.read().decode()
    found: dict[str, dict[str, float]] = {}
    line = r'^litellm_(requests|input_tokens|output_tokens)_metric_total\{.*api_key_alias="([^"]*)".*\} ([0-9.e+]+)$'
    for what, name, number in re.findall(line, page, re.MULTILINE):
        of_name = found.setdefault(name, {})
        of_name[what] = of_name.get(what, 0) + float(number)
    return found


def in_prometheus(folder: Path, tmp_path: Path, port: int, names: int) -> dict[str, float]:
    """Name → output tokens, as a real Prometheus has them that reads the emitted file."""
    config = folder / "monitoring" / "prometheus.native.yml"
    config.write_text(config.read_text().replace(f"127.0.0.1:{people.PORT}", f"127.0.0.1:{port}"))
    with watching(folder, tmp_path) as prometheus:
        end, found = time.monotonic() + 60, dict[str, float]()
        while len(found) < names and time.monotonic() < end:
            time.sleep(1)
            rows = prometheus.query('sum by (api_key_alias) (litellm_output_tokens_metric_total{job="keys"})')
            found = {row["metric"]["api_key_alias"]: float(row["value"][1]) for row in rows}
    return found


@pytest.mark.engine
def test_three_people_for_real(tmp_path: Path) -> None:
    """One is limited (429, Retry-After), one revoked under load without a cut answer, usage stands in Prometheus by name."""
    folder = written(with_keys("vllm", "monitoring"), tmp_path / "deploy here")
    name = with_keys().launch.served_name
    keys = {
        who: keys_sh(folder, "add", who, *limit).stdout.strip() for who, *limit in (["alice"], ["bob", "3"], ["carol"])
    }
    with served(folder) as (front, slow, port):

        def ask(who: str, **more: object) -> int:
            return front.chat(keys[who], model=name, **more).status

        assert [ask(who) for who in keys] == [200, 200, 200]
        assert front.chat(KEY, model=name).status == 200  # the operator's, straight to the engine
        strangers = (None, "", "short", "sk-" + "0" * 48, keys["alice"] + "x")
        assert {front.chat(key).status for key in strangers} == {401}
        assert [ask("bob") for _ in range(3)] == [200, 200, 429]
        refused = front.chat(keys["bob"], model=name)
        assert refused.status == 429 and int(refused.headers["retry-after"]) > 1
        assert not [header for header in refused.headers if header.startswith("x-litellm")]
        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(front.chat, keys["carol"], model=name, stream=True, max_tokens=30) for _ in range(4)]
            others = [pool.submit(front.chat, keys["alice"], model=name, stream=True, max_tokens=30) for _ in range(4)]
            end = time.monotonic() + 30
            while slow.how.running < 8 and time.monotonic() < end:
                time.sleep(0.05)
            assert slow.how.running == 8 and keys_sh(folder, "revoke", "carol").returncode == 0
            assert ask("carol") == 401
            dave = keys_sh(folder, "add", "dave").stdout.strip()
            assert front.chat(dave, model=name).status == 200
            assert not all(request.done() for request in running), "the load was over before the key was revoked"
            answers = [request.result() for request in (*running, *others)]
        assert all(answer.status == 200 and answer.body.rstrip().endswith("data: [DONE]") for answer in answers)
        assert all(answer.body.count("word ") == 30 for answer in answers)
        time.sleep(1)
        seen = usage(port)
        kept = in_prometheus(folder, tmp_path, port, len(seen))
    assert kept == {who: used["output_tokens"] for who, used in seen.items()}
    assert {who: seen[who]["output_tokens"] for who in ("alice", "bob", "carol", "dave")} == {
        "alice": 4 + 4 * 30, "bob": 12, "carol": 4 + 4 * 30, "dave": 4,
    }  # fmt: skip
    assert seen["alice"]["requests"] == 5 and seen["alice"]["input_tokens"] == 5 * 10
    log = (folder / "keys.log").read_text() + front.said()
    assert not any(key in log for key in keys.values())

"""The gateway: what its file says, and what a real Caddy with that file does in front of an engine."""

from __future__ import annotations

import http.client
import http.server
import itertools
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor import quoting
from advisor.catalog.vendors import vendors
from advisor.deploy import gateway as part
from advisor.deploy import parts_of
from advisor.engines import ENGINES
from advisor.engines.ways import WAYS
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.front import (
    KEY,
    NEXT_KEY,
    Front,
    Upstream,
    Witness,
    chat,
    free_port,
    gateway,
    narrow,
    planned,
    written,
)
from tests.engines.engine_cases import EMBED, MACHINES, STORIES, Story, first_plan, model, plan_of, tool
from tests.scenarios import SCENARIOS
from tests.smoke.fake_engine import Behaviour

# Spellings that some server in the world takes for an allowed path, or for one that must stay closed.
CLOSED = (
    "/invocations", "/metrics", "/health", "/version", "/docs", "/openapi.json", "/tokenize", "/ping", "/load",
    "/", "/v1", "/v1/", "/v1/files", "/v1/embeddings", "/v1/messages", "/v1/models/fake", "/v1/responses/compact",
    "/api/tags", "/api/pull", "/api/delete", "/api/codex/responses", "/v1/chat/completions/render",
    "//v1/models", "/v1//models", "/v1/models/", "/V1/models", "/v1/./models", "/v1/../metrics", "/metrics/../v1/models",
    "/v1/%2e%2e/metrics", "/metrics/%2e%2e/v1/models", "/v1/models;x", "/v1/models%00", "/v1/models%20", "/v1\\models",
    "/v1/models%2f", "/healthz/", "/healthz/../metrics", "/%2e/v1/models",
)  # fmt: skip

CARDS = {vendor.metrics_exporter.image for vendor in vendors().values() if vendor.metrics_exporter}


def texts(plan: Plan) -> dict[str, str]:
    """Path → text of the rendered folder."""
    return {file.path: file.text for file in render(plan)}


def test_who_gets_a_gateway() -> None:
    """Plans for others have one, a plan for one person has none, and an exposed plan has one whatever is asked."""
    assert "gateway" in parts_of(first_plan("vllm", "rtx-4090", "chat"))
    assert "gateway" not in parts_of(first_plan("ollama", "rtx-4090", "one"))
    exposed = first_plan("ollama", "rtx-4090", "production")
    bare = replace(exposed, workload=replace(exposed.workload, parts="none"))
    assert set(parts_of(bare)) - set(WAYS.values()) == {"gateway"}
    watched = first_plan("ollama", "rtx-4090", "one")
    watched = replace(watched, workload=replace(watched.workload, parts="monitoring"))
    assert set(parts_of(watched)) - set(WAYS.values()) == {"gateway", "monitoring"}


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_front_is_the_same_for_both_engines(engine: str) -> None:
    """Port, paths, keys and errors do not depend on the engine: a client need not know which one is there."""
    made = part.facts(planned(engine))
    assert (made.port, made.metrics_port) == (8080, 9180)
    assert made.reads + made.writes == ("/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/responses")
    assert made.upstream == f"127.0.0.1:{planned(engine).launch.port}"


def test_the_limits_come_from_the_plan() -> None:
    """A longer context allows larger bodies, more slots more requests, and vLLM's own limit is the same number."""
    plan = planned()
    made = part.facts(plan)
    longer = replace(plan.estimate.candidate, context_tokens=plan.estimate.candidate.context_tokens * 4)
    other = part.facts(replace(plan, estimate=replace(plan.estimate, candidate=longer)))
    assert other.body_bytes > made.body_bytes >= 16 * plan.estimate.candidate.context_tokens
    assert other.limit_s >= made.limit_s >= 600
    own = {setting.name: setting.value for setting in plan.settings}["--max-num-queued-reqs"]
    assert str(made.most_in_flight) == own
    assert made.grace_s > made.drain_s >= 60 and 1 <= made.retry_s <= 30
    unknown = replace(plan, estimate=replace(plan.estimate, speed=None, peak_speed=None))
    assert part.facts(unknown).limit_s == 7200


def test_pictures_have_room_in_a_body() -> None:
    """A model that reads images takes 32 MiB more of a request, a few photographs, and the Caddyfile says so."""
    plan = planned()
    seeing = replace(plan, model=replace(plan.model, multimodal=True))
    assert part.facts(seeing).body_bytes == part.facts(plan).body_bytes + 32 * 2**20
    assert part.facts(plan).body_bytes == 2**20 + 16 * plan.estimate.candidate.context_tokens
    for made in (plan, seeing):
        assert f"max_size {part.facts(made).body_bytes}\n" in texts(made)["gateway/Caddyfile"]


def test_an_embedding_service_passes_embeddings() -> None:
    """Vectors and nothing else, in bodies with room for many texts."""
    hardware, spec = MACHINES["rtx-4090"], model("Qwen/Qwen2.5-7B-Instruct")
    candidate = ENGINES["vllm"].propose(hardware, EMBED, spec)[0]
    made = part.facts(plan_of(candidate, hardware, EMBED, spec))
    assert made.writes == ("/v1/embeddings",) and made.body_bytes > 16 * 512 * 32


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_engine_stays_behind(engine: str) -> None:
    """Natively the engine is on loopback, in Compose its port is published there; only the gateway's follows ADVISOR_BIND."""
    plan = planned(engine)
    files = texts(plan)
    services = yaml.safe_load(files["compose.yaml"])["services"]
    assert services["engine"]["ports"] == [f"127.0.0.1:{plan.launch.port}:{plan.launch.port}"]
    assert services["gateway"]["ports"] == ["${ADVISOR_BIND:-127.0.0.1}:${ADVISOR_PORT:-8080}:${ADVISOR_PORT:-8080}"]
    assert "profiles" not in services["gateway"] and services["gateway"]["networks"] == ["inside"]
    assert plan.launch.bind == "127.0.0.1"
    assert "ADVISOR_API_KEY=\n" in files[".env.example"] and "\nADVISOR_BIND=0.0.0.0" in files[".env.example"]
    quiet = replace(first_plan(engine, "rtx-4090", "chat"), parts=("gateway",))
    assert yaml.safe_load(texts(quiet)["compose.yaml"])["services"]["gateway"]["profiles"] == ["gateway"]
    assert "# ADVISOR_BIND=" in texts(quiet)[".env.example"]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_key_is_in_no_environment(engine: str) -> None:
    """Neither container gets the key as a variable; the gateway reads it from a file, the engine gets no .env at all."""
    services = yaml.safe_load(texts(planned(engine))["compose.yaml"])["services"]
    for service in services.values():
        assert not [name for name in service.get("environment", {}) if "API_KEY" in name]
        assert all(entry["path"] != ".env" for entry in service.get("env_file", []))
    assert "--envfile /run/secrets/gateway" in " ".join(services["gateway"]["command"])
    assert [name for name, service in services.items() if "secrets" in service] == ["gateway"]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_service_is_hardened(engine: str) -> None:
    """No capabilities but named ones, no new privileges, read-only roots, bounded logs, memory and processes."""
    services = yaml.safe_load(texts(planned(engine))["compose.yaml"])["services"]
    assert {"engine", "gateway", "prometheus", "grafana"} <= set(services)
    for service in services.values():
        assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
        assert set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE", "DAC_OVERRIDE"}
        assert service["pids_limit"] > 0 and service["mem_limit"] and service["logging"]["options"]["max-size"]
        if service["image"] not in CARDS:  # which have no wget, and write where they like
            assert service["read_only"] is True and ("healthcheck" in service or service["restart"] == "no")
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"])
    grace = int(services["gateway"]["stop_grace_period"].removesuffix("s"))
    assert grace > part.facts(planned(engine)).drain_s


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_comment_stays_a_comment(text: str) -> None:
    """Whatever a summary holds, it is one line of a Caddyfile and names no variable."""
    made = quoting.caddy_comment(text)
    assert "\n" not in made and "\r" not in made and "{$" not in made


# --- read and run by Caddy itself ---------------------------------------------------------------------------------


def validated(path: Path, **env: str) -> None:
    """`caddy validate`; a refusal fails with its words."""
    with TemporaryDirectory() as home:  # it makes the root of its own certificates there
        done = subprocess.run(
            [tool("caddy"), "validate", "--config", str(path), "--adapter", "caddyfile"],
            capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "HOME": home, **env},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.external
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_caddy_takes_the_files_of_every_scenario(scenario: str, rendered: Callable[[str], Path]) -> None:
    """Each Caddyfile of a scenario's folder, as it is and with a host name."""
    for path in rendered(scenario).rglob("Caddyfile"):
        validated(path)
        validated(path, ADVISOR_HOSTNAME="llm.test", ADVISOR_CERT_ISSUER="internal", ADVISOR_BIND="127.0.0.1")


@pytest.mark.external
@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("story", STORIES[::4], ids="-".join)
def test_caddy_takes_the_file_of_a_plan(engine: str, story: Story, tmp_path: Path) -> None:
    """`caddy validate` for both engines on machines and loads of all sizes, and for a summary full of traps."""
    hardware, spec = MACHINES[story.machine], model(story.model)
    found = ENGINES[engine].propose(hardware, (load := first_plan(engine, "rtx-4090", story.load).workload), spec)
    if not found:
        pytest.skip("this engine cannot have the model")
    plan = replace(plan_of(found[0], hardware, load, spec), parts=("gateway",), summary='a "b" {$HOME} {block}\n} {')
    written(plan, tmp_path)
    validated(tmp_path / "gateway" / "Caddyfile")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment of 1 slot and 16 that may wait."""
    return written(narrow(planned()), tmp_path_factory.mktemp("front"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """The fake engine, quick enough for tests and slow enough to see a stream."""
    with Upstream(Behaviour(ttft_s=0.4, tpot_s=0.15)).serving() as made:
        yield made


@pytest.fixture(scope="module")
def front(folder: Path, upstream: Upstream) -> Iterator[Front]:
    """A gateway with both keys."""
    with gateway(folder / "gateway" / "Caddyfile", upstream.port, folder, ADVISOR_API_KEY_NEXT=NEXT_KEY) as made:
        yield made


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_the_key_opens(front: Front) -> None:
    """With the key a chat is answered, with the second key too, and /healthz needs none."""
    assert front.chat().status == 200
    assert front.chat(NEXT_KEY).status == 200
    models = front.ask("GET", "/v1/models")
    assert models.status == 200 and json.loads(models.body)["data"][0]["id"] == "fake"
    health = front.ask("GET", "/healthz", None)
    assert (health.status, health.body) == (200, "ok")


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
@pytest.mark.parametrize(
    "key", [None, "", " ", "wrong", "*", KEY[:-1], KEY + "*", KEY.upper(), "{env.ADVISOR_API_KEY}", f"{KEY}, {KEY}"]
)
def test_no_other_key_opens(front: Front, key: str | None) -> None:
    """No key, an empty one, a piece of it, a wildcard, a placeholder: 401, with a body that clients can show."""
    answer = front.chat(key)
    assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert "key is needed" in json.loads(answer.body)["error"]["message"]


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
@pytest.mark.parametrize("scheme", ["", "Basic ", "bearer", "Token "])
def test_no_other_scheme_opens(front: Front, scheme: str) -> None:
    """The bare key and other schemes are refused."""
    assert front.ask("POST", "/v1/chat/completions", None, chat(), Authorization=scheme + KEY).status == 401


@pytest.mark.external
@pytest.mark.parametrize("keys", [{"ADVISOR_API_KEY": ""}, {"ADVISOR_API_KEY": "short"}, {"ADVISOR_API_KEY_NEXT": ""}])
def test_an_empty_or_short_key_lets_nobody_in(folder: Path, keys: dict[str, str], tmp_path: Path) -> None:
    """A gateway whose key is empty or too short answers 401 to everything that is tried, the very key included."""
    caddyfile = folder / "gateway" / "Caddyfile"
    with gateway(caddyfile, free_port(), tmp_path, **{"ADVISOR_API_KEY": "", **keys}) as made:
        for tried in (None, "", " ", "short", "*", "Bearer"):
            assert made.ask("GET", "/v1/models", tried).status == 401
        assert made.ask("GET", "/v1/models", None, Authorization="Bearer").status == 401


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
@pytest.mark.parametrize("path", CLOSED)
def test_other_paths_are_closed(front: Front, upstream: Upstream, path: str) -> None:
    """Whatever is not planned is 404 for POST and GET, key or not, and never reaches the engine."""
    before = list(upstream.paths)
    for method in ("GET", "POST"):
        for key in (KEY, None):
            assert front.ask(method, path, key, chat() if method == "POST" else None).status in (400, 404)
    assert upstream.paths == before


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_other_methods_are_closed(front: Front) -> None:
    """Only the planned method of a planned path passes."""
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert front.ask(method, "/v1/chat/completions").status == 404
    for method in ("POST", "DELETE"):
        assert front.ask(method, "/v1/models").status == 404


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
@pytest.mark.parametrize("path", ["/v1%2Fmodels", "/%76%31/models", "/v1/models?x=/metrics"])
def test_a_path_is_passed_on_in_its_plain_spelling(front: Front, upstream: Upstream, path: str) -> None:
    """Another spelling of an allowed path reaches the engine as the allowed path itself, without a query."""
    assert front.ask("GET", path).status == 200
    assert upstream.paths[-1] == "/v1/models"


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_a_stream_comes_chunk_by_chunk(front: Front) -> None:
    """The first token arrives long before the last."""
    with closing(http.client.HTTPConnection("127.0.0.1", front.port, timeout=30)) as connection:
        body = json.dumps(chat(stream=True, max_tokens=8))
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
        answer = connection.getresponse()
        arrived = [time.monotonic() for line in answer if b'"word "' in line]
    assert len(arrived) == 8 and arrived[-1] - arrived[0] > 0.6
    assert max(after - before for before, after in itertools.pairwise(arrived)) < 0.8


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_a_client_that_leaves_frees_its_slot(front: Front, upstream: Upstream) -> None:
    """When the client hangs up, the engine's request ends too."""
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=30)
    body = json.dumps(chat(stream=True, max_tokens=400))
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.readline()
    assert upstream.how.running == 1
    answer.close()
    connection.close()
    end = time.monotonic() + 10
    while upstream.how.running and time.monotonic() < end:
        time.sleep(0.1)
    assert upstream.how.running == 0


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_a_body_too_large_is_413(front: Front, upstream: Upstream) -> None:
    """One byte over the limit is refused before the engine sees it; at the limit it passes."""
    limit = part.facts(narrow(planned())).body_bytes
    before = list(upstream.paths)
    assert front.ask("POST", "/v1/chat/completions", body=b" " * (limit + 1)).status == 413
    assert upstream.paths == before
    text = json.dumps(chat()).encode()
    assert front.ask("POST", "/v1/chat/completions", body=text + b" " * (limit - len(text))).status == 200


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_too_many_at_once_are_told_when_to_come_back(front: Front) -> None:
    """17 are let in, the others get 503 with Retry-After at once, and afterwards everything is open again."""
    most = part.facts(narrow(planned())).most_in_flight
    assert most == 17
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: front.chat(max_tokens=12), range(40)))
    codes = Counter(answer.status for answer in answers)
    # Counting and admitting are two steps in Caddy, so one or two may slip in.
    assert set(codes) == {200, 503} and most <= codes[200] <= most + 3
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status == 503)
    assert front.chat().status == 200


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_an_engine_that_is_busy_says_when_to_come_back(folder: Path, tmp_path: Path) -> None:
    """The engine's own 503, which lacks Retry-After, gets one, and keeps its words."""
    caddyfile = folder / "gateway" / "Caddyfile"
    with Upstream(Behaviour(fail_every=1)).serving() as busy, gateway(caddyfile, busy.port, tmp_path) as made:
        answer = made.chat()
    assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1 and "busy" in answer.body


@pytest.mark.external
def test_a_dead_engine_is_502_or_503(folder: Path, tmp_path: Path) -> None:
    """Without an engine clients get 502 or 503 with Retry-After and no inside knowledge, and /healthz is 503."""
    with gateway(folder / "gateway" / "Caddyfile", free_port(), tmp_path) as made:
        answer = made.chat()
        assert answer.status in (502, 503) and int(answer.headers["retry-after"]) >= 1
        assert "127.0.0.1" not in answer.body and "refused" not in answer.body
        assert made.ask("GET", "/healthz", None).status in (502, 503)


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_keys_can_be_changed_without_a_gap(folder: Path, upstream: Upstream, tmp_path: Path) -> None:
    """Old alone, old and new, new alone: at each step the announced keys open and the dropped one does not."""
    caddyfile = folder / "gateway" / "Caddyfile"
    for keys, opens, closed in (
        ({"ADVISOR_API_KEY": KEY}, [KEY], [NEXT_KEY]),
        ({"ADVISOR_API_KEY": KEY, "ADVISOR_API_KEY_NEXT": NEXT_KEY}, [KEY, NEXT_KEY], []),
        ({"ADVISOR_API_KEY": NEXT_KEY, "ADVISOR_API_KEY_NEXT": ""}, [NEXT_KEY], [KEY]),
    ):
        with gateway(caddyfile, upstream.port, tmp_path, **keys) as made:
            assert [made.ask("GET", "/v1/models", key).status for key in opens] == [200] * len(opens)
            assert [made.ask("GET", "/v1/models", key).status for key in closed] == [401] * len(closed)


@pytest.mark.external
@pytest.mark.xdist_group("gateway")
def test_the_key_is_in_no_log_and_no_process_list(front: Front) -> None:
    """The access log says REDACTED, the command line names files only."""
    front.chat()
    front.chat("a-wrong-but-secret-key")
    time.sleep(0.3)
    said = front.said()
    assert "REDACTED" in said and KEY not in said and NEXT_KEY not in said and "a-wrong-but-secret" not in said
    assert KEY.encode() not in Path(f"/proc/{front.process.pid}/cmdline").read_bytes()


@contextmanager
def witness() -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    """A server that keeps the headers it gets."""
    seen: list[tuple[str, dict[str, str]]] = []
    handler = type("Seen", (Witness,), {"seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.external
def test_the_engine_sees_neither_key_nor_origin(folder: Path, tmp_path: Path) -> None:
    """Key, cookies and origin stay at the gateway, and the host is the engine's own (Ollama refuses others)."""
    with witness() as (port, seen), gateway(folder / "gateway" / "Caddyfile", port, tmp_path) as made:
        sent = {"Origin": "https://elsewhere.test", "Cookie": "a=b", "Host": "llm.test"}
        assert made.ask("POST", "/v1/chat/completions", body=chat(), **sent).status == 200
    path, headers = seen[-1]
    assert path == "/v1/chat/completions" and headers["host"] == f"127.0.0.1:{port}"
    assert not {"authorization", "cookie", "origin"} & set(headers)


@pytest.mark.external
def test_a_stop_lets_requests_in_flight_finish(folder: Path, tmp_path: Path) -> None:
    """After SIGTERM nothing new is taken and every stream in flight arrives whole; then the gateway ends by itself."""
    caddyfile, slow = folder / "gateway" / "Caddyfile", Upstream(Behaviour(ttft_s=0.3, tpot_s=0.2))
    with slow.serving(), gateway(caddyfile, slow.port, tmp_path) as made, ThreadPoolExecutor(6) as pool:
        running = [pool.submit(made.chat, stream=True, max_tokens=12) for _ in range(6)]
        time.sleep(1)
        made.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(OSError):
            made.chat()
        answers = [request.result(30) for request in running]
        assert all(answer.status == 200 and "[DONE]" in answer.body for answer in answers)
        assert made.process.wait(20) == 0


@pytest.mark.external
def test_one_request_lasts_no_longer_than_its_limit(folder: Path, tmp_path: Path) -> None:
    """With the limit turned down to two seconds a longer stream is cut there, and a shorter one is not."""
    text = (folder / "gateway" / "Caddyfile").read_text()
    short = tmp_path / "Caddyfile"
    short.write_text(re.sub(r"write \d+s", "write 2s", text))
    assert short.read_text() != text
    with Upstream(Behaviour(ttft_s=0.1, tpot_s=0.2)).serving() as slow, gateway(short, slow.port, tmp_path) as made:
        assert made.chat(stream=True, max_tokens=4).status == 200
        with pytest.raises((http.client.IncompleteRead, OSError)):
            made.chat(stream=True, max_tokens=40)


@pytest.mark.external
def test_a_host_name_makes_it_https(folder: Path, upstream: Upstream, tmp_path: Path) -> None:
    """With ADVISOR_HOSTNAME the port speaks TLS for that name, no plain HTTP, and no trust store of the machine is touched."""
    import ssl

    before = trusted()

    caddyfile = folder / "gateway" / "Caddyfile"
    env = {"ADVISOR_HOSTNAME": "llm.test", "ADVISOR_CERT_ISSUER": "internal", "XDG_DATA_HOME": str(tmp_path / "data")}
    with gateway(caddyfile, upstream.port, tmp_path, **env) as made:
        root = tmp_path / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        end = time.monotonic() + 20
        while not root.is_file() and time.monotonic() < end:
            time.sleep(0.1)
        context = ssl.create_default_context(cafile=str(root))
        ask = f"GET /v1/models HTTP/1.1\r\nHost: llm.test\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
        answer = b""
        for _ in range(40):  # the certificate is made right after the start
            try:
                raw = socket.create_connection(("127.0.0.1", made.port), timeout=10)
                with raw, context.wrap_socket(raw, server_hostname="llm.test") as connection:
                    connection.sendall(ask.encode())
                    answer = connection.recv(4096)
                break
            except ssl.SSLError:
                time.sleep(0.25)
        assert answer.startswith(b"HTTP/1.1 200")
        assert made.ask("GET", "/v1/models").status == 400
    assert trusted() == before


def trusted() -> set[tuple[str, int]]:
    """Every certificate that this machine trusts, with the time of its file."""
    folders = ("/usr/local/share/ca-certificates", "/etc/ssl/certs", "/etc/pki/ca-trust/source/anchors")
    return {(str(path), path.lstat().st_mtime_ns) for folder in folders for path in Path(folder).glob("*")}


def test_the_folder_says_how(tmp_path: Path) -> None:
    """The second page has the gateway's section with paths and address, and CHECKLIST asks for the key."""
    files: dict[str, Any] = texts(replace(planned(), checks=part.checks(planned())))
    page = files["docs/operations.md"]
    assert "http://127.0.0.1:8080/v1" in page and "/v1/chat/completions" in page and ":8080/v1" in files["README.md"]
    assert "ADVISOR_API_KEY" in files["CHECKLIST.md"]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_gateway_gets_no_secret_but_its_own(engine: str) -> None:
    """Token and Grafana's password have files of their own: .env, which is the gateway's, is offered neither."""
    plan = replace(planned(engine), parts=("compose", "gateway", "monitoring"))
    files = texts(replace(plan, launch=replace(plan.launch, needs_token=True)))
    services = yaml.safe_load(files["compose.yaml"])["services"]
    assert services["gateway"]["secrets"] == ["gateway"] and "env_file" not in services["gateway"]
    assert services["engine"]["env_file"] == [{"path": "engine.env", "required": False}]
    assert "HF_TOKEN" not in str({**services["engine"]["environment"], **services["gateway"]["environment"]})
    assert not re.search(r"^(HF_TOKEN|GRAFANA_PASSWORD)=", files[".env.example"], re.MULTILINE)
    assert "engine.env" in files["README.md"] and "grafana.env" in files[".env.example"]

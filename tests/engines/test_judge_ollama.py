"""A real Ollama judges every golden plan: each variable arrives as set, each Modelfile line arrives with its value.

The programs come from tests/engines/install.sh. Elsewhere these tests skip with the reason; in CI they fail.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.catalog import raw_entries
from advisor.catalog.flags import accepted
from advisor.refresh import flags, ollama_running
from advisor.refresh.ollama_running import Server, same, serving
from advisor.refresh.table import DATA, SOURCES
from advisor.refresh.vllm_running import engines_folder
from tests.engines.judged_plans import Plan, golden_plans
from tests.required import absent
from tests.scenarios import files

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("judge-ollama")]

PLANS = dict(golden_plans("ollama"))
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
# What this machine has not: the variables stay, they choose among devices that are not there.
SMALL = {"num_ctx": 256, "num_predict": 1}
PATIENT = {"OLLAMA_LOAD_TIMEOUT": "30m"}  # other tests may have this machine's processor


@pytest.fixture(scope="module")
def program() -> str:
    """The real Ollama."""
    found = engines_folder() / "ollama" / "bin" / "ollama"
    if not found.is_file():
        absent(f"{found} is not there: tests/engines/install.sh installs it (15 minutes, 8 GB)")
    return str(found)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of models for all servers: the same file is copied once."""
    return tmp_path_factory.mktemp("store")


def modelfile_of(name: str, plan: Plan) -> str:
    """The rendered file where the scenario has one, with FROM naming the local model instead."""
    texts = {file.path: file.text for file in files(name.removesuffix("-desk"))}
    text = texts.get("desk/Modelfile" if name.endswith("-desk") else "Modelfile", plan["launch"]["modelfile"])
    changed, count = re.subn(r"^FROM .*$", f"FROM {engines_folder() / 'models' / MODEL}", text, flags=re.MULTILINE)
    assert count == 1, text
    return changed


def post(server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The JSON answer of one request."""
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=2000) as reply:  # noqa: S310 - our own server
            return dict(json.load(reply))
    except urllib.error.HTTPError as refused:
        return {"error": refused.read().decode()}


def parameters(shown: dict[str, Any]) -> dict[str, str]:
    """`/api/show`'s text of parameters: a name and a value a line."""
    return dict(line.split(maxsplit=1) for line in shown.get("parameters", "").splitlines())


def unlike(env: dict[str, str], printed: dict[str, str]) -> Iterator[str]:
    """Each of the variables that the server did not print, or printed with another value than we set."""
    for name, value in env.items():
        if name in ("OLLAMA_HOST", "OLLAMA_MODELS"):
            continue
        if name not in printed:
            yield f"{name}: Ollama does not know it"
        elif not same(accepted("ollama")["env"][name]["type"], value, printed[name]):
            yield f"{name}: set to {value!r}, Ollama read {printed[name]!r}"


@pytest.mark.parametrize("name", PLANS)
def test_a_real_ollama_takes_the_plan(program: str, store: Path, tmp_path: Path, name: str) -> None:
    """Every variable is in force as we set it; every PARAMETER arrives; the model loads and answers under both."""
    plan = PLANS[name]
    env, wanted = plan["launch"]["env"], modelfile_of(name, plan)
    with serving(program, tmp_path, {**PATIENT, **env, "OLLAMA_MODELS": str(store)}) as server:
        assert list(unlike(env, server.variables())) == []
        done = server.create("judged", wanted)
        assert done.returncode == 0, done.stderr
        assert "deprecated" not in done.stdout + done.stderr
        said = parameters(post(server, "/api/show", {"model": "judged"}))
        asked = dict(re.findall(r"^PARAMETER (\S+) (.+)$", wanted, re.MULTILINE))
        assert asked and {key: said.get(key) for key in asked} == asked
        assert set(said) - set(asked) <= {"stop"}  # Ollama's own, from the template it found in the file
        reply = post(server, "/api/generate", {"model": "judged", "prompt": "1", "stream": False, "options": SMALL})
        assert reply.get("done") is True, (reply, server.log.read_text()[-3000:])


def test_the_host_is_where_it_listens(program: str, tmp_path: Path) -> None:
    """OLLAMA_HOST, for which the other tests take a free port, is read as `address:port`, the form that plans have."""
    assert {plan["launch"]["env"]["OLLAMA_HOST"] for plan in PLANS.values()} <= {"127.0.0.1:11434"}
    with serving(program, tmp_path) as server:
        assert server.variables()["OLLAMA_HOST"] == f"http://{server.env['OLLAMA_HOST']}"


def test_the_judge_refuses_what_is_wrong(program: str, store: Path, tmp_path: Path) -> None:
    """An unknown parameter, a wrong type, an unknown instruction, a misspelt variable and a malformed one are found."""
    source = f"FROM {engines_folder() / 'models' / MODEL}\n"
    env = {"OLLAMA_NUM_PARALELL": "4", "OLLAMA_MAX_QUEUE": "many", "OLLAMA_KEEP_ALIVE": "30m"}
    with serving(program, tmp_path, {**env, "OLLAMA_MODELS": str(store)}) as server:
        found = [text.split(":")[0] for text in unlike(env, server.variables())]
        assert found == ["OLLAMA_NUM_PARALELL", "OLLAMA_MAX_QUEUE"]
        for line in ("PARAMETER num_slots 4", "PARAMETER num_ctx many", "PARAMETR num_ctx 512"):
            assert server.create("wrong", source + line + "\n").returncode != 0, line
        assert server.create("right", source + "PARAMETER num_ctx 512\n").returncode == 0


@pytest.fixture(scope="module")
def answer(program: str) -> dict[str, Any]:
    """What the installed Ollama says that it accepts."""
    return ollama_running.ask(program)


def test_our_lists_are_what_this_ollama_accepts(answer: dict[str, Any], program: str) -> None:
    """Asking the pinned version again gives the packaged lists; the names of all differences are shown."""
    from advisor.catalog import engine_limits

    assert answer["version"] == engine_limits("ollama").version
    known = flags.kept(SOURCES)
    now = flags.generate(flags.asked(known, {"args": []}, answer))
    for name in ("ollama-env.json", "ollama-modelfile.json"):
        old, new = (text.splitlines() for text in ((DATA / name).read_text(encoding="utf-8"), now[name]))
        gone, come = set(old) - set(new), set(new) - set(old)
        assert (gone, come) == (set(), set()), f"{name}: run python -m advisor.refresh.flags"


def test_every_name_is_known_to_the_program(answer: dict[str, Any], program: str) -> None:
    """A variable in our list is printed at start, or named in the program, or read by Ollama's own llama-server."""
    rest = [name for name in accepted("ollama")["env"] if name not in answer["variables"]]
    silent = set(rest) - ollama_running.mentions(program, rest)
    assert {accepted("ollama")["env"][name]["scope"] for name in silent} <= {"llama-server"}
    assert set(answer["help"]) <= set(accepted("ollama")["env"])
    lines = {entry["name"] for entry in raw_entries("ollama-modelfile")}
    parameters = {line.removeprefix("PARAMETER ") for line in lines if line.startswith("PARAMETER ")}
    assert set(answer["parameters"]) == parameters

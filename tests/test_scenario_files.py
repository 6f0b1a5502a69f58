"""Every file of every scenario, read by the program that reads it; every flag against the pinned engine's own list."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from advisor.folder.saved import read_plan
from advisor.wire import to_json
from tests.engines.engine_cases import pinned, tool
from tests.scenarios import SCENARIOS, answer, every_file, plans

OTHER_VARIABLES = {
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HF_HOME",
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_plan_passes_our_own_door(scenario: str, tmp_path: Path) -> None:
    """What `recommend` writes, with every way to run it, is read back as it was: the door refuses nothing of ours."""
    made = answer(scenario, run="all").plan
    if made is not None:
        (tmp_path / "plan.json").write_text(to_json(made), encoding="utf-8")
        assert read_plan(tmp_path / "plan.json") == made


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_flag_and_variable_is_the_engines_own(scenario: str) -> None:
    """Exact membership, no prefix: vLLM's option strings, Ollama's variables, the Modelfile's lines."""
    known = pinned("ollama-0.34-modelfile.json")
    parameters = {entry["name"] for entry in known["parameters"]}
    for plan in plans(scenario):
        launch = plan.launch
        if plan.engine == "vllm":
            accepted = set(pinned("vllm-0.33-serve-flags.json")["accepted_option_strings"])
            assert {arg for arg in launch.argv if arg.startswith("--")} <= accepted
            assert {name for name in launch.env if not name.startswith("VLLM_")} <= OTHER_VARIABLES
            continue
        assert set(launch.env) <= {entry["name"] for entry in pinned("ollama-0.34-env.json")}
        for line in filter(None, (launch.modelfile or "").splitlines()):
            word, rest = line.split(" ", 1)
            assert word in known["instructions"]
            assert word != "PARAMETER" or rest.split(" ")[0] in parameters


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_compose_file_says_what_the_plan_says(scenario: str) -> None:
    """The file is YAML; its image and variables are the plan's, pinned; it listens on loopback unless exposed."""
    texts = {file.path: file.text for file in every_file(scenario)}
    for place, plan in zip(("", "desk/"), plans(scenario), strict=False):
        if f"{place}compose.yaml" not in texts:
            continue
        engine = yaml.safe_load(texts[f"{place}compose.yaml"])["services"]["engine"]
        assert re.fullmatch(r"[a-z/.-]+:v?\d+\.\d+\.\d+[a-z0-9_-]*", engine["image"])
        assert engine["image"] == plan.launch.image
        if not plan.workload.exposed:
            assert all(str(port).startswith("127.0.0.1:") for port in engine.get("ports", []))


@pytest.mark.external
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_real_compose_reads_it(scenario: str, rendered: Callable[[str], Path]) -> None:
    """`docker compose config` accepts each file (with a key where the plan demands one)."""
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "ADVISOR_API_KEY": "k",
        "HF_TOKEN": "t",
        "ADVISOR_BIND": "127.0.0.1",
    }
    for path in rendered(scenario).rglob("compose.yaml"):
        command = [str(tool("docker-compose")), "-f", str(path), "config", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent, env=env)
        assert done.returncode == 0, done.stderr


@pytest.mark.external
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_shellcheck_is_content(scenario: str, rendered: Callable[[str], Path]) -> None:
    """No warning at any level on any script."""
    for path in rendered(scenario).rglob("*.sh"):
        done = subprocess.run([str(tool("shellcheck")), str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_judges_have_something_to_read() -> None:
    """The scenarios together render many of every kind of file that some program judges, here or in tests/deploy."""
    paths = [file.path for scenario in SCENARIOS for file in every_file(scenario)]
    kinds = (r"(.*/)?compose\.yaml", r".*\.sh", r".*/Caddyfile", r"monitoring/rules\.yml", r"systemd/.*", r"quadlet/.*")
    found = {kind: sum(1 for path in paths if re.fullmatch(kind, path)) for kind in kinds}
    assert min(found.values()) >= len(SCENARIOS) // 2, found


def test_every_setting_can_be_explained() -> None:
    """`advisor explain` knows every setting that any scenario's plan holds, and every source resolves."""
    from advisor.catalog import sources
    from advisor.report.explain import explain

    settings = [setting for scenario in SCENARIOS for plan in plans(scenario)[:1] for setting in plan.settings]
    assert all(setting.source in sources() for setting in settings)
    for name in {setting.name for setting in settings} - {"model"}:
        assert explain(name)["why"], name

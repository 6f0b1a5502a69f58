"""Every file of every golden scenario, read by the program that reads it; every flag against the pinned engine's own list."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engines.engine_cases import pinned, tool

GOLDEN = Path(__file__).parent / "golden"
OTHER_VARIABLES = {
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HF_HOME",
}


def _plans() -> Iterator[Any]:
    """Every plan of every scenario, the desk's included."""
    for path in sorted(GOLDEN.glob("*/out/plan.json")):
        plan = json.loads(path.read_text())
        yield pytest.param(plan, id=path.parts[-3])
        if plan["desk"]:
            yield pytest.param(plan["desk"], id=f"{path.parts[-3]}-desk")


def _files(pattern: str) -> list[Any]:
    return [pytest.param(p, id=str(p.relative_to(GOLDEN))) for p in sorted(GOLDEN.glob(f"*/out/**/{pattern}"))]


@pytest.mark.parametrize("plan", list(_plans()))
def test_every_flag_and_variable_is_the_engines_own(plan: dict[str, Any]) -> None:
    """Exact membership, no prefix: vLLM's option strings, Ollama's variables, the Modelfile's lines."""
    launch = plan["launch"]
    if plan["engine"] == "vllm":
        accepted = set(pinned("vllm-0.33-serve-flags.json")["accepted_option_strings"])
        assert {arg for arg in launch["argv"] if arg.startswith("--")} <= accepted
        names = {name for name in launch["env"] if not name.startswith("VLLM_")}
        assert names <= OTHER_VARIABLES
    else:
        assert set(launch["env"]) <= {entry["name"] for entry in pinned("ollama-0.34-env.json")}
        known = pinned("ollama-0.34-modelfile.json")
        parameters = {entry["name"] for entry in known["parameters"]}
        for line in filter(None, (launch["modelfile"] or "").splitlines()):
            word, rest = line.split(" ", 1)
            assert word in known["instructions"]
            assert word != "PARAMETER" or rest.split(" ")[0] in parameters


@pytest.mark.parametrize("path", _files("compose.yaml"))
def test_a_compose_file_says_what_the_plan_says(path: Path) -> None:
    """The file is YAML; its image and variables are the plan's, pinned; it listens on loopback unless exposed."""
    plan = json.loads((path.parent / "plan.json").read_text()) if (path.parent / "plan.json").is_file() else None
    document = yaml.safe_load(path.read_text())
    engine = document["services"]["engine"]
    assert re.fullmatch(r"[a-z/.-]+:v?\d+\.\d+\.\d+[a-z0-9_-]*", engine["image"])
    if plan is None:
        return
    assert engine["image"] == plan["launch"]["image"]
    if not plan["workload"]["exposed"]:
        assert all(str(port).startswith("127.0.0.1:") for port in engine.get("ports", []))


@pytest.mark.external
@pytest.mark.parametrize("path", _files("compose.yaml"))
def test_the_real_compose_reads_it(path: Path) -> None:
    """`docker compose config` accepts the file (with a key where the plan demands one)."""
    command = [str(tool("docker-compose")), "-f", str(path), "config", "--quiet"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=path.parent,
        env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "ADVISOR_API_KEY": "k", "HF_TOKEN": "t", "ADVISOR_BIND": "127.0.0.1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.external
@pytest.mark.parametrize("path", _files("*.sh"))
def test_shellcheck_is_content(path: Path) -> None:
    """No warning at any level on any script."""
    done = subprocess.run([str(tool("shellcheck")), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_setting_can_be_explained() -> None:
    """`advisor explain` knows every setting that any scenario's plan holds, and every source resolves."""
    from advisor.catalog import sources
    from advisor.report.explain import explain

    seen = set()
    for path in GOLDEN.glob("*/out/plan.json"):
        for setting in json.loads(path.read_text())["settings"]:
            assert setting["source"] in sources(), setting
            seen.add(setting["name"])
    for name in seen - {"model"}:
        assert explain(name)["why"], name

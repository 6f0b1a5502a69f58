"""What was once dangerous in a folder, and is held by no other test: one each, run with the real program where there is one."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from advisor.folder.write import MANIFEST, write_tree
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from tests.deploy.cluster import program

CHART = "{{- range .Values.extraObjects }}\n---\n{{ tpl (toYaml .) $ }}\n{{- end }}\n"  # as Ollama's chart places them


@cache
def planned(gpu: str, **asked: object) -> Plan:
    """A server's plan on that card."""
    known = {"model": "Qwen/Qwen2.5-7B-Instruct", "users": 50, "exposed": True, "offline": True}
    made = recommend(profile=None, overrides=known | asked, gpu=gpu).plan
    assert made is not None
    return made


def texts(plan: Plan) -> dict[str, str]:
    """Path → text of the folder."""
    return {file.path: file.text for file in files_of(plan)}


@pytest.mark.external
@pytest.mark.parametrize("release", ["llm", "another-name"])
def test_the_policy_of_the_ollama_chart_selects_its_own_pods(release: str, tmp_path: Path) -> None:
    """Under whatever name the chart is installed, the policy is for the pods that bear that name."""
    values = texts(planned("RTX 4090", engine="ollama", run="kubernetes"))["kubernetes/ollama-chart-values.yaml"]
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: ollama\nversion: 1.0.0\n")
    (tmp_path / "templates" / "extra.yaml").write_text(CHART)
    (tmp_path / "own.yaml").write_text(values)
    done = subprocess.run(
        [program("helm"), "template", release, str(tmp_path), "-f", str(tmp_path / "own.yaml")], capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    policy = next(one for one in yaml.safe_load_all(done.stdout) if one)
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/instance": release}


@pytest.mark.parametrize(
    ("gpu", "runtime"), [("RTX 4090", "nvidia"), ("MI300X", ""), ("4x MI300X", ""), ("L4", "nvidia")]
)
def test_the_stacks_chart_keeps_our_promises(gpu: str, runtime: str) -> None:
    """The runtime is the card's, no image is the latest, and prefixes are routed by only where they are kept."""
    plan = planned(gpu, engine="vllm", run="kubernetes", users=200)
    text = texts(plan)["kubernetes/production-stack-values.yaml"]
    values = yaml.safe_load(text)
    engine, router = values["servingEngineSpec"], values["routerSpec"]
    assert engine["runtimeClassName"] == runtime and "latest" not in (router["tag"], engine["modelSpec"][0]["tag"])
    pods = engine["modelSpec"][0]["replicaCount"]
    assert (engine["strategy"]["type"] == "Recreate") is (pods == 1)
    kept = engine["modelSpec"][0]["vllmConfig"]["enablePrefixCaching"]
    assert kept or router["routingLogic"] != "prefixaware"
    for spec in (engine, router):
        assert spec["containerSecurityContext"]["capabilities"]["drop"] == ["ALL"]
    words = engine["modelSpec"][0]["vllmConfig"]["extraArgs"]
    assert int(words[words.index("--shutdown-timeout") + 1]) < 30, "the chart's pods end after 30 s"


@pytest.mark.parametrize("run", ["compose", "native", "podman", "kubernetes"])
def test_containers_read_what_a_careful_umask_wrote(run: str, tmp_path: Path) -> None:
    """With umask 077 every file can be read and every folder entered by whom a container runs as; scripts run."""
    before = os.umask(0o077)
    try:
        write_tree(tmp_path / "deploy", files_of(planned("RTX 4090", run=run)), overwrite=False)
    finally:
        os.umask(before)
    for path in (tmp_path / "deploy").rglob("*"):
        if path.name == MANIFEST:  # for advisor alone
            continue
        needed = 0o555 if path.is_dir() or path.suffix == ".sh" else 0o444
        assert path.stat().st_mode & needed == needed, path


@pytest.mark.parametrize("gpu", ["RTX 4090", "2x RTX 4090", "MI300X", None])
def test_selinux_keeps_a_card_from_nobody_else(gpu: str | None) -> None:
    """A container that gets a card is not confined by label, for none may touch one; a container without one is."""
    asked: dict[str, object] = {"run": "podman"}
    plan = planned(gpu, **asked) if gpu else _on_a_processor()
    for path, text in texts(plan).items():
        if path.endswith(".container"):
            assert ("SecurityLabelDisable=true" in text) is ("AddDevice=" in text), path


def _on_a_processor() -> Plan:
    machine = Path(__file__).parents[1] / "hardware" / "cpu-2-cores.json"
    asked = {"model": "Qwen/Qwen2.5-0.5B-Instruct", "users": 2, "run": "podman", "offline": True, "exposed": True}
    made = recommend(profile=None, overrides=asked, hardware_file=machine).plan
    assert made is not None
    return made


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
@pytest.mark.parametrize("gpu", ["DGX Spark", "Strix Halo 128GB", "RTX 4090"])
def test_a_leak_ends_the_engine_and_not_the_machine(gpu: str, engine: str) -> None:
    """Where card and host share one memory too, the container's limit leaves some of it to the system."""
    plan = planned(gpu, engine=engine, run="compose", users=4)
    limit = yaml.safe_load(texts(plan)["compose.yaml"])["services"]["engine"]["mem_limit"]
    assert 0 < int(limit.partition(":-")[2].rstrip("}")) < plan.hardware.cpu.memory_bytes

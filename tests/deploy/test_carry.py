"""What an air-gapped deployment carries: saved, verified and loaded by the scripts themselves, around a stand-in for Docker."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from advisor.deploy import carry
from advisor.render import render
from advisor.schema import Plan
from tests.deploy.front import written
from tests.engines.engine_cases import first_plan, tool

DOCKER = """#!/bin/bash
# Images are files in $IMAGES.
name=${!#}; file=$IMAGES/${name//[\\/:]/_}
case "$1 $2" in
  "image inspect") [ -f "$IMAGES/${3//[\\/:]/_}" ] ;;
  "pull "*) echo "$2" >"$file" ;;
  "save "*) cp "$file" "$3" ;;
  "load "*) name=$(cat "$4"); cp "$4" "$IMAGES/${name//[\\/:]/_}" ;;
  *) exit 9 ;;
esac
"""
HF = """#!/bin/bash
mkdir -p "$4/models--${2//\\//--}/snapshots/1" && echo "weights of $2 ${HF_TOKEN:-}" >"$4/models--${2//\\//--}/snapshots/1/model.safetensors"
"""
OLLAMA = """#!/bin/bash
case $1 in
  serve) mkdir -p "$OLLAMA_MODELS"; echo "$OLLAMA_MODELS" >"$IMAGES/store"; exec sleep 60 ;;
  list) [ -f "$IMAGES/store" ] ;;
  pull) mkdir -p "$(cat "$IMAGES/store")/blobs" && echo "weights of $2" >"$(cat "$IMAGES/store")/blobs/sha256-1" ;;
esac
"""


def offline(engine: str, **facts: object) -> Plan:
    """A plan without a network, with gateway and monitoring."""
    plan = first_plan(engine, "rtx-4090", "production")
    again = replace(
        plan,
        workload=replace(plan.workload, air_gapped=True, exposed=False),
        parts=("compose", "native", "systemd", "quadlet", "gateway", "monitoring", "offline"),
    )
    env = dict(again.launch.env) | ({"HF_HUB_OFFLINE": "1"} if engine == "vllm" else {})
    return replace(again, launch=replace(again.launch, env=env), **facts)  # type: ignore[arg-type]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins for what fetches."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("docker", DOCKER), ("hf", HF), ("ollama", OLLAMA)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def call(folder: Path, programs: Path, site: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts; `site` is the machine's own set of images."""
    site.mkdir(exist_ok=True)
    env = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(site), "IMAGES": str(site)}
    return subprocess.run(
        [str(folder / "offline" / script), *words], capture_output=True, text=True, env=env, check=False, timeout=60
    )


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_what_is_saved_is_loaded(engine: str, tmp_path: Path, programs: Path) -> None:
    """Images and weights saved on one machine are verified and loaded on another, where Compose and run.sh look for them."""
    folder = written(offline(engine), tmp_path / "deploy here")
    saved = call(folder, programs, tmp_path / "outside", "save.sh", "images", "weights")
    assert saved.returncode == 0, saved.stderr
    loaded = call(folder, programs, tmp_path / "inside", "load.sh")
    assert loaded.returncode == 0, loaded.stderr
    there = {path.read_text().strip() for path in (tmp_path / "inside").iterdir() if path.is_file()}
    facts = carry.facts(offline(engine))
    assert {image.name for image in facts.images} <= there and len(facts.images) == 7
    weights = [path for path in (folder / "models").rglob("*") if path.is_file()]
    assert len(weights) == 1 and facts.model_ref in weights[0].read_text()
    env = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())
    assert env["ADVISOR_MODELS"] == str(folder / "models")
    assert weights[0].is_relative_to(Path(env[facts.store_variable]))
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    before = (folder / ".env").read_text()
    assert (
        call(folder, programs, tmp_path / "inside", "load.sh").returncode == 0
        and (folder / ".env").read_text() == before
    )


def test_a_file_that_changed_on_the_way_is_refused(tmp_path: Path, programs: Path) -> None:
    """One wrong byte is found before anything is loaded, and the file is named."""
    folder = written(offline("vllm"), tmp_path / "d")
    assert call(folder, programs, tmp_path / "outside", "save.sh", "images").returncode == 0
    assert call(folder, programs, tmp_path / "outside", "load.sh", "verify").returncode == 0
    file = next((folder / "offline/carry/images").iterdir())
    file.write_text(file.read_text() + "x")
    refused = call(folder, programs, tmp_path / "inside", "load.sh")
    assert refused.returncode == 1 and file.name in refused.stdout + refused.stderr
    assert not any(path.is_file() for path in (tmp_path / "inside").iterdir())


def test_nothing_saved_says_what_to_do(tmp_path: Path, programs: Path) -> None:
    """load.sh without a carried folder, and save.sh with an unknown word, say what there is."""
    folder = written(offline("vllm"), tmp_path / "d")
    nothing = call(folder, programs, tmp_path / "inside", "load.sh")
    assert nothing.returncode == 3 and "save.sh" in nothing.stderr
    unknown = call(folder, programs, tmp_path / "inside", "save.sh", "weigths")
    assert unknown.returncode == 2 and "weights" in unknown.stderr


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_every_target_is_told_to_ask_nobody(engine: str, tmp_path: Path) -> None:
    """The offline variables stand in compose.yaml, run.sh, the unit and the quadlet; CARRY.md names every image."""
    plan = offline(engine)
    files = {file.path: file.text for file in render(plan)}
    variables = carry.facts(plan).variables
    assert variables
    unit = next(text for path, text in files.items() if path.endswith(".service") and "-g" not in path)
    container = next(
        text
        for path, text in files.items()
        if path.endswith(".container") and "-gateway" not in path and "-model" not in path
    )
    environment = yaml.safe_load(files["compose.yaml"])["services"]["engine"]["environment"]
    for pair in variables:
        name, text = pair.split("=")
        assert environment[name] == text and f'"{pair}"' in unit and f'"{pair}"' in container
        assert f"export {pair}" in files["run.sh"] and pair in files["offline/CARRY.md"]
    for image in carry.facts(plan).images:
        assert image.name in files["offline/CARRY.md"] and image.name in files["offline/save.sh"]


@pytest.mark.external
@pytest.mark.parametrize("engine", ["vllm", "ollama"])
@pytest.mark.parametrize("local", [False, True])
def test_shellcheck_is_content(engine: str, local: bool, tmp_path: Path) -> None:
    """No warning on either script, also for a local model with an awkward path."""
    plan = offline(engine)
    if local:
        plan = replace(plan, model=replace(plan.model, path="/srv/it's $a/m", origin="folder"))
    folder = written(plan, tmp_path / "d")
    done = subprocess.run(
        [tool("shellcheck"), *map(str, (folder / "offline").glob("*.sh"))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_local_model_is_copied(tmp_path: Path, programs: Path) -> None:
    """A model that lies in a folder is carried as it is, links followed."""
    source = tmp_path / "my model"
    source.mkdir()
    (source / "config.json").write_text("{}")
    (source / "link.json").symlink_to(source / "config.json")
    plan = offline("vllm")
    plan = replace(plan, model=replace(plan.model, path=str(source), origin="folder"))
    folder = written(plan, tmp_path / "d")
    assert call(folder, programs, tmp_path / "outside", "save.sh", "weights").returncode == 0
    loaded = call(folder, programs, tmp_path / "inside", "load.sh")
    assert loaded.returncode == 0 and str(source) in loaded.stderr
    assert (folder / "models/my model/link.json").read_text() == "{}"

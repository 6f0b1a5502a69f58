"""A plan for another version than the pinned one: what it uses, what it says, and what check and run.sh do about it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from advisor.catalog import engine_limits
from advisor.engines.own import with_own_memory
from advisor.engines.versions import choose, read_versions
from advisor.errors import BadInput
from advisor.measured.store import measurements_from
from advisor.models.names import find_model
from advisor.pipeline import Answer, advise, files_of
from advisor.probe.simulate import simulate
from advisor.schema import Hardware, InstalledEngine, Plan, RunningEngine, ServedModel
from advisor.workload import load_workload
from tests.probe.test_installed import package, program

GIB = 1 << 30
OLD_VLLM = InstalledEngine(engine="vllm", version="0.19.0", place="~/venv/bin/vllm")
OLD_OLLAMA = InstalledEngine(engine="ollama", version="0.12.0", found_in="program", place="/usr/bin/ollama")
SERVER = RunningEngine(
    engine="ollama", address="127.0.0.1:11434", version="0.34.2",
    models=(ServedModel(name="qwen3:8b", loaded_bytes=9 * GIB, gpu_bytes=8 * GIB),),
)  # fmt: skip


def machine(
    *installed: InstalledEngine, running: tuple[RunningEngine, ...] = (), driver: str | None = None
) -> Hardware:
    """A machine with an RTX 4090 and these engines."""
    made = simulate("RTX 4090")
    return replace(made, engines=installed, running=running, nvidia_driver=driver or made.nvidia_driver)


def answer(hardware: Hardware, engine: str, model: str = "Qwen/Qwen2.5-7B-Instruct", **said: object) -> Answer:
    """What is advised for a few users."""
    workload = load_workload(None, {"users": 4, "engine": engine, **said})
    return advise(workload, hardware, measurements_from("none"), find_model(model))


def plan_of(found: Answer) -> Plan:
    """The plan of it."""
    assert found.plan is not None
    return found.plan


def notes(found: Answer, rule: str) -> str:
    """What a rule said of the winner."""
    assert found.verdict.winner is not None
    return " ".join(finding.message for finding in found.verdict.winner.findings if finding.rule == rule)


def test_an_old_vllm_gets_only_flags_that_it_knows() -> None:
    """0.19 has no queue limit: the flag is gone, the image and the plan name 0.19.0, and it is said."""
    found = answer(machine(OLD_VLLM), "vllm")
    plan = plan_of(found)
    assert (plan.engine_version, plan.launch.image) == ("0.19.0", "vllm/vllm-openai:v0.19.0")
    assert "--max-num-queued-reqs" not in plan.launch.argv
    assert "--max-num-queued-reqs" in notes(found, "OPS428") and "0.19.0" in notes(found, "OPS428")
    assert "--max-num-queued-reqs" in plan_of(answer(machine(), "vllm")).launch.argv


def test_an_old_ollama_gets_only_variables_that_it_knows() -> None:
    """0.12 knows neither the switch for the cloud nor llama-server's margin; its log has no slots to look for."""
    plan = plan_of(answer(machine(OLD_OLLAMA), "ollama"))
    assert (plan.engine_version, plan.launch.image) == ("0.12.0", "ollama/ollama:0.12.0")
    assert not {"OLLAMA_NO_CLOUD", "LLAMA_ARG_FIT_TARGET"} & plan.launch.env.keys()
    assert "after-slots" not in {check.id for check in plan.checks}


@pytest.mark.parametrize(("driver", "version", "meets"), [("535.1", "0.19.0", True), ("535.1", "0.33.0", False)])
def test_an_older_version_has_a_lower_floor_of_the_driver(driver: str, version: str, meets: bool) -> None:
    """CUDA 12 runs on driver 535, CUDA 13 does not."""
    found = answer(machine(driver=driver), "vllm", engine_version=f"vllm={version}")
    assert (found.plan is not None) is meets


@pytest.mark.parametrize(
    ("engine", "model", "installed"),
    [("ollama", "Qwen/Qwen3.5-4B", OLD_OLLAMA), ("vllm", "Qwen/Qwen3.8-27B", replace(OLD_VLLM, version="0.9.2"))],
)
def test_what_is_here_and_will_not_do_is_no_reason_for_a_no(
    engine: str, model: str, installed: InstalledEngine
) -> None:
    """The pinned version is planned, and said is what the other lacks; asked for by name it is refused instead."""
    chosen = choose(engine, machine(installed), load_workload(None, {}), find_model(model))
    assert (chosen.version, chosen.found) == (engine_limits(engine).version, installed.version) and chosen.lacks
    refused = answer(machine(), engine, model, engine_version=f"{engine}={installed.version}")
    assert refused.plan is None and "the lowest version known that does is" in refused.verdict.summary + str(
        [finding.message for judged in refused.verdict.losers for finding in judged.findings]
    )


@pytest.mark.parametrize(
    ("version", "image"), [("0.25", "v0.25.0"), ("0.33.1.dev12+gabc", "v0.33.0"), ("0.19.0+cu128", "v0.19.0"),
                           ("0.40.0", "v0.40.0"), ("0.32.0+rocm70", "v0.32.0")],
)  # fmt: skip
def test_any_version_has_a_plan_and_an_image_that_exists(version: str, image: str) -> None:
    """Builds of somebody's own take the image of the release below; the plan's files are made."""
    plan = plan_of(answer(machine(replace(OLD_VLLM, version=version)), "vllm"))
    assert plan.launch.image == f"vllm/vllm-openai:{image}"
    assert files_of(plan)


@pytest.mark.parametrize("text", ["vllm", "vllm=", "vllm=new", "tgi=1.0.0", "=0.19.0", "vllm:0.19.0"])
def test_what_is_no_version_of_an_engine_is_refused(text: str) -> None:
    """The message says the accepted form."""
    with pytest.raises(BadInput, match="VERSION"):
        read_versions(text)


def test_machines_that_are_typed_do_not_know_this_one() -> None:
    """`--gpu` has no engines, so the pinned version is planned."""
    assert simulate("RTX 4090").engines == ()
    assert plan_of(answer(simulate("RTX 4090"), "vllm")).engine_version == engine_limits("vllm").version


@pytest.mark.parametrize(
    ("version", "passes"),
    [("0.33.0", True), ("0.33.1.dev12+gabc", True), ("0.32.0+cpu", True), ("0.35.0", True), ("0.19.0", False),
     ("0.28.0", False), ("0.9.2", False)],
)  # fmt: skip
def test_check_and_run_sh_test_the_installed_version(tmp_path: Path, version: str, passes: bool) -> None:
    """The line passes from the lowest version on that takes the plan; run.sh refuses the others and says what to do."""
    package(tmp_path, "vllm", version)
    program(tmp_path, "vllm", "#!/bin/sh\nsleep 600\n")  # never asked
    plan = plan_of(answer(machine(), "vllm", parts="none", run="native"))
    check = next(check for check in plan.checks if check.id == "engine-version")
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", check.command or ""], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == version and (done.returncode == 0) is passes
    if not passes:
        script = next(file.text for file in files_of(plan) if file.path == "run.sh")
        (tmp_path / "run.sh").write_text(script, encoding="utf-8")
        ran = subprocess.run(["bash", "run.sh"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == 1 and version in ran.stderr and "pip install vllm==0.33.0" in ran.stderr


def test_a_running_ollama_is_used() -> None:
    """Its port, no Compose file and no units beside it; what it must be set to is said; its own memory is free for it."""
    busy = machine(running=(SERVER,))
    card = replace(busy.accelerators[0], free_bytes=busy.accelerators[0].memory_bytes - 8 * GIB)
    busy = replace(busy, accelerators=(card,))
    found = answer(busy, "ollama")
    plan = plan_of(found)
    texts = {file.path: file.text for file in files_of(plan)}
    assert plan.launch.server == "running" and "compose.yaml" not in texts and set(plan.parts) <= {"native", "gateway"}
    assert "ollama serve" not in texts["run.sh"] and "ollama create" in texts["run.sh"]
    assert "sudo systemctl edit ollama" in texts["README.md"] and "OLLAMA_NUM_PARALLEL" in notes(found, "OPS429")
    assert "port" not in {check.id for check in plan.checks}
    assert not notes(found, "FIT109")
    assert with_own_memory("ollama", busy).accelerators[0].free_bytes == card.memory_bytes


@pytest.mark.parametrize(("system", "words"), [("darwin", "launchctl setenv"), ("windows", "setx")])
def test_each_system_has_its_way_to_set_it(system: Literal["darwin", "windows"], words: str) -> None:
    """launchctl on a Mac, setx on Windows."""
    from advisor.engines.ollama.server import set_commands

    plan = plan_of(answer(machine(running=(SERVER,)), "ollama"))
    other = replace(plan, hardware=replace(plan.hardware, os=system))
    assert any(row.startswith(f"{words} OLLAMA_NUM_PARALLEL") for row in set_commands(other))


def test_a_server_of_its_own_is_the_other_choice() -> None:
    """On another port, with everything that a plan has; what the running one holds is held by others then."""
    plan = plan_of(answer(machine(running=(SERVER,)), "ollama", own_server=True, run="native"))
    assert (plan.launch.server, plan.launch.port) == ("own", 11435)
    assert plan.launch.env["OLLAMA_HOST"] == "127.0.0.1:11435"
    assert "ollama serve" in next(file.text for file in files_of(plan) if file.path == "run.sh")

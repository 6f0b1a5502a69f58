"""What an operator meets beyond the happy way: no open network, another umask, no root, several sockets."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from advisor.checklist.storage import storage_checks
from advisor.deploy import monitoring
from advisor.engines.ways import WAYS
from advisor.pipeline import recommend
from advisor.render import render
from advisor.schema import Plan


def planned(run: str, engine: str = "vllm", **asked: object) -> Plan:
    """A server for a team."""
    overrides = {
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "users": 8,
        "offline": True,
        "run": run,
        "engine": engine,
        **asked,
    }
    made = recommend(profile=None, overrides=overrides, gpu="RTX 4090").plan
    assert made is not None
    return made


def texts(plan: Plan) -> dict[str, str]:
    """Path → text."""
    return {file.path: file.text for file in render(plan)}


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
@pytest.mark.parametrize("run", WAYS)
def test_a_proxy_is_told_where_it_is_read(run: str, engine: str) -> None:
    """Every way says into what the variables go, that is what its files read, and nothing of another way."""
    files = texts(planned(run, engine))
    told = files["docs/operations.md"].partition("## Proxies")[2].partition("\n## ")[0]
    assert "HTTPS_PROXY" in told and ("HF_ENDPOINT" in told) == (engine == "vllm")
    if run in ("compose", "native"):
        assert "`engine.env`" in told
    if run == "compose":
        services = yaml.safe_load(files["compose.yaml"])["services"]
        fetching = [services[name] for name in ("engine", "fetch") if name in services]
        assert all({"path": "engine.env", "required": False} in service["env_file"] for service in fetching)
    if run == "systemd":
        named = re.search(r"`(/etc/\S+/engine\.env)`", told)
        units = "".join(text for path, text in files.items() if path.startswith("systemd/"))
        assert named and f"EnvironmentFile=-{named[1]}" in units
    if run == "podman":
        named_units = re.findall(r"([a-z0-9-]+)\.service", told)
        assert named_units and all(f"quadlet/{unit}.container" in files for unit in named_units)
    assert len([line for line in told.splitlines() if line.startswith("- ")]) == 1
    assert "## Proxies" not in texts(planned(run, engine, air_gapped=True))["docs/operations.md"]


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_programs_can_be_read_by_the_services_own_user(engine: str) -> None:
    """sudo adds to the umask of whoever types and takes nothing away: it is set before the first program is installed."""
    readme = texts(planned("systemd", engine))["README.md"]
    block = readme.partition("```bash\n")[2].partition("```")[0]
    assert "umask 022\n" in block.partition("sudo ")[0]


@pytest.mark.parametrize("run", ["systemd", "podman"])
@pytest.mark.parametrize("key", ["", "0123456789abcdef"])
def test_a_unit_gets_what_env_says(run: str, key: str, tmp_path: Path) -> None:
    """README asks for a key first; its lines that hand .env on give Podman a secret in any case: it takes no empty one."""
    files = texts(planned(run))
    assert "fill in ADVISOR_API_KEY" in files["README.md"]
    (tmp_path / ".env").write_text(files[".env.example"].replace("ADVISOR_API_KEY=\n", f"ADVISOR_API_KEY={key}\n"))
    (tmp_path / "sudo").write_text('#!/bin/sh\ncat >>"handed-$1"\n')
    (tmp_path / "sudo").chmod(0o755)
    for line in re.findall(r"^sed .*\| sudo .*$", files["README.md"], re.MULTILINE):
        subprocess.run(["bash", "-euc", line], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    handed = (tmp_path / ("handed-podman" if run == "podman" else "handed-install")).read_text()
    assert (f"ADVISOR_API_KEY={key}\n" in handed) == bool(key)
    assert run == "systemd" or handed.startswith("# ")
    assert f"`sed`, which hand{'s' * (run == 'systemd')} `.env` on, then" in files["docs/operations.md"]


@pytest.mark.parametrize("run", WAYS)
def test_the_first_start_says_what_it_downloads(run: str) -> None:
    """README names size and time of the download, and where to look meanwhile, whatever the way."""
    readme = texts(planned(run))["README.md"]
    assert re.search(r"The first start downloads [0-9.]+ GB of weights: about", readme)
    assert len(readme.splitlines()) <= 60
    assert run == "native" or re.search(r"`[^`]*(logs|journalctl)[^`]*` shows how far", readme)


@pytest.mark.parametrize("run", WAYS)
def test_an_alert_says_who_starts_the_engine_again(run: str) -> None:
    """Nobody does by itself where run.sh started it; and no alert names a tool of another way."""
    found = {alert.name: alert.todo for alert in monitoring.facts(planned(run)).alerts}
    assert ("by itself" in found["EngineDown"]) == (run != "native") == ("run.sh" not in found["EngineDown"])
    assert run == "compose" or not any("docker" in todo for todo in found.values())


def test_a_copy_by_somebody_else_asks_for_no_login() -> None:
    """README, units and checks want a token for the maker's gated repository, and for nobody's open copy of it."""
    for quantization, wanted in (("bf16", True), ("awq", False)):
        asked = {"quantization": quantization, "model": "meta-llama/Llama-3.1-8B-Instruct"}
        plan = planned("systemd", **asked)
        assert plan.model.gated and plan.launch.needs_token == wanted, plan.launch.model_ref
        assert ("gated" in texts(plan)["README.md"]) == wanted


def test_others_reach_nothing_before_an_address_is_given() -> None:
    """Not exposed, README says what is missing before anybody else is served; exposed, .env.example holds it."""
    plain = texts(planned("compose"))
    assert "For others, once ADVISOR_API_KEY and ADVISOR_BIND stand in `.env`" in plain["README.md"]
    assert not re.search(r"^ADVISOR_BIND=", plain[".env.example"], re.MULTILINE)
    exposed = texts(planned("compose", exposed=True))
    assert "For others: `http://" in exposed["README.md"] and "in the clear" in exposed["README.md"]
    assert re.search(r"^ADVISOR_BIND=0", exposed[".env.example"], re.MULTILINE)


@pytest.mark.parametrize("run", WAYS)
def test_several_sockets_are_spoken_of_where_there_are_some(run: str) -> None:
    """One line for the way that runs, where the machine has more than one NUMA node; nothing elsewhere."""
    plan = planned(run)
    two = replace(plan, hardware=replace(plan.hardware, cpu=replace(plan.hardware.cpu, numa_nodes=2)))
    told = texts(two)["docs/operations.md"].partition("## Sockets")[2].partition("\n## ")[0]
    assert "2 NUMA nodes" in told and len([line for line in told.splitlines() if line.startswith("- ")]) == 1
    one = replace(plan, hardware=replace(plan.hardware, cpu=replace(plan.hardware.cpu, numa_nodes=1)))
    assert "## Sockets" not in texts(one)["docs/operations.md"]


@pytest.mark.parametrize(
    ("rootless", "owner", "passes"), [(True, "7", True), (True, "0", False), (False, "0", True), (False, "7", False)]
)
def test_whose_the_models_are_depends_on_whose_docker_is(
    rootless: bool, owner: str, passes: bool, tmp_path: Path
) -> None:
    """With rootless Docker the container's root is who started it; elsewhere it is root."""
    check = next(check for check in storage_checks(planned("compose")) if check.id == "models-owner")
    assert check.command is not None
    shims = {
        "docker": f"echo '[{'name=rootless' if rootless else 'name=cgroupns'}]'",
        "stat": f"echo {owner}",
        "id": "echo 7",
    }
    for name, line in shims.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "models").mkdir(mode=0o755)
    (tmp_path / ".env").write_text(f"ADVISOR_MODELS={tmp_path}/models\n")
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", check.command], cwd=tmp_path, env=env, capture_output=True, check=False)
    assert (done.returncode == 0) == passes

"""Rendering: what is placed is what was decided, no fault of the field is there, the real readers agree."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
import yaml

from advisor.engines import ENGINES
from advisor.render import bytecode_cache, environment, render
from advisor.schema import Plan, RenderedFile
from tests.engines.engine_cases import LOADS, MACHINES, MODELS, Story, first_plan, model, plan_of, tool

HOSTILE = 'o\'brien "q" $HOME ${X:?y} $(id) `id`\n- x: #{{ y }} \\ é'
EVERYBODY = "0.0.0.0"  # what an exposed plan binds to
PICKED = [
    Story("laptop-cpu", "one", MODELS[0]),
    Story("rtx-4090", "chat", MODELS[0]),
    Story("rtx-4090-x2", "production", MODELS[1]),
    Story("rtx-4090-x8", "batch", MODELS[0]),
    Story("h100-x8", "production", MODELS[2]),
    Story("mixed", "code", MODELS[0]),
    Story("mi300x", "production", MODELS[1]),
    Story("strix-halo", "one", MODELS[3]),
    Story("arc", "one", MODELS[0]),
    Story("gb10", "chat", MODELS[3]),
    Story("mig", "chat", MODELS[0]),
]
PLANS = [
    pytest.param(engine, story, id=f"{engine}-{story.machine}-{story.load}")
    for engine in ENGINES
    for story in PICKED
    if (engine, story.machine) not in (("vllm", "arc"),)
]


def planned(engine: str, story: Story) -> Plan:
    """The plan of an engine's first candidate."""
    return first_plan(engine, story.machine, story.load, story.model)


def exposed(engine: str) -> Plan:
    """A plan that others reach, with the gateway that such a plan always has."""
    return replace(first_plan(engine, "rtx-4090", "production"), parts=("gateway",))


def texts(files: tuple[RenderedFile, ...]) -> dict[str, str]:
    """Path → text."""
    return {file.path: file.text for file in files}


def write(files: tuple[RenderedFile, ...], folder: Path) -> Path:
    """As the caller does."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
        path.chmod(0o755 if file.executable else 0o644)
    return folder


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    """A template must not turn a missing value into nothing."""
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ plan.launch.port }}").render()


@pytest.mark.parametrize(("engine", "story"), PLANS)
def test_compose_service_is_what_was_planned(engine: str, story: Story) -> None:
    """Image, arguments, port, patience, cards and restrictions of the service follow from the plan."""
    plan = planned(engine, story)
    service = yaml.safe_load(texts(render(plan))["compose.yaml"])["services"]["engine"]
    command = list(plan.launch.argv)
    if "--host" in command:
        command[command.index("--host") + 1] = EVERYBODY
    assert service["image"] == plan.launch.image
    assert service.get("command", []) == command
    assert int(service["stop_grace_period"].rstrip("s")) > plan.launch.drain_s
    assert service["healthcheck"]["test"][0] == "CMD" and service["healthcheck"]["start_period"]
    assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    assert service["init"] is True and service["logging"]["options"]["max-size"]
    indices = [str(index) for index in plan.estimate.candidate.gpu_indices]
    if story.machine == "mig":
        indices = ["${ADVISOR_MIG_DEVICE:-0:0}"]
    if plan.launch.variant == "cuda":
        devices = service["deploy"]["resources"]["reservations"]["devices"]
        assert devices == [{"driver": "nvidia", "device_ids": indices, "capabilities": ["gpu"]}]
    elif plan.launch.variant == "rocm":
        assert "/dev/kfd" in service["devices"] and "group_add" not in service
    elif indices:
        assert service["devices"] == ["/dev/dri"]


@pytest.mark.parametrize(("engine", "story"), PLANS)
def test_no_fault_of_the_field(engine: str, story: Story) -> None:
    """None of the faults seen in other tools' files, one by one."""
    plan = planned(engine, story)
    files = texts(render(plan))
    everything = "\n".join(files.values())
    compose = yaml.safe_load(files["compose.yaml"])
    service = compose["services"]["engine"]
    command = service.get("command", [])
    assert all(isinstance(word, str) for word in command)
    assert not any(word.startswith("--") and (" " in word or "=" in word) for word in command)
    for removed in (
        "--swap-space",
        "--speculative-model",
        "fp8_e4m3fn",
        "--dtype fp16",
        "--task",
        "--device ",
    ):
        assert removed not in everything
    assert "fp16" not in command and "None" not in files["compose.yaml"] and "None" not in files[".env.example"]
    assert ":latest" not in everything and re.search(r":v?\d+\.\d+\.\d+", service["image"])
    assert "version" not in compose
    if engine == "vllm":
        assert "/" in command[0] and ":" not in command[0].removeprefix("/")
        assert "gguf" not in " ".join(command).lower() and "--model" not in command
        assert ("--quantization" in command) == (
            plan.estimate.candidate.model_ref == plan.model.hf_id and plan.estimate.candidate.weights_format == "fp8"
        )
        slots = int(command[command.index("--max-num-seqs") + 1])
        assert 12 / plan.estimate.candidate.replicas <= slots <= 24
        assert "--api-key" not in command
    else:
        slots = int(service["environment"]["OLLAMA_NUM_PARALLEL"])
        assert slots <= 12 and ":cloud" not in everything and "ADAPTER" not in files["Modelfile"]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_an_engine_never_leaves_loopback(engine: str) -> None:
    """Others reach the gateway: the engine's port is published on this machine only, also where exposure is asked for."""
    plan = exposed(engine)
    files = texts(render(plan))
    service = yaml.safe_load(files["compose.yaml"])["services"]["engine"]
    assert service["ports"] == [f"127.0.0.1:{plan.launch.port}:{plan.launch.port}"]
    assert "ADVISOR_API_KEY=" in files[".env.example"] and "ADVISOR_BIND=0.0.0.0" in files[".env.example"]
    assert "ADVISOR_API_KEY is not set" in files["run.sh"] and "VLLM_API_KEY" not in "".join(files.values())


def test_the_service_prepares_the_planned_name() -> None:
    """Ollama's stack pulls the tag, creates the planned name, and is healthy when that is there."""
    plan = first_plan("ollama", "rtx-4090")
    files = texts(render(plan))
    service = yaml.safe_load(files["compose.yaml"])["services"]["model"]
    assert service["entrypoint"][-3:] == ["qwen2.5:7b", "qwen2.5-7b-instruct", ""]
    assert service["healthcheck"]["test"] == ["CMD", "ollama", "show", "qwen2.5-7b-instruct"]
    assert service["depends_on"]["engine"]["condition"] == "service_healthy"
    assert "FROM qwen2.5:7b\nPARAMETER num_ctx 8192\n" in files["Modelfile"]


def test_the_desk_gets_a_folder_of_its_own() -> None:
    """With a desk plan the same files stand once more under desk/, and the README says so."""
    plan = replace(first_plan("vllm", "rtx-4090"), desk=first_plan("ollama", "apple-m3-max", "one"))
    files = texts(render(plan))
    assert {"compose.yaml", "desk/run.sh", "desk/Modelfile", "desk/README.md"} <= set(files)
    assert "desk/compose.yaml" not in files and "desk/" in files["README.md"]
    names = {plan.launch.served_name, plan.desk.launch.served_name} if plan.desk else set()
    assert names == {"qwen2.5-7b-instruct"}


def hostile_plan(engine: str) -> Plan:
    """A plan whose every string from outside is full of quotes, dollars and line breaks."""
    spec = replace(
        model(MODELS[0]),
        path=f"/srv/{HOSTILE}",
        origin="gguf" if engine == "ollama" else "folder",
        native_format="q4_K_M" if engine == "ollama" else "bf16",
    )
    found = ENGINES[engine].propose(MACHINES["rtx-4090"], LOADS["chat"], spec)[0]
    plan = plan_of(found, MACHINES["rtx-4090"], LOADS["chat"], spec)
    launch = replace(plan.launch, served_name=HOSTILE)
    settings = tuple(replace(setting, because=HOSTILE) for setting in plan.settings)
    return replace(plan, name=HOSTILE, summary=HOSTILE, settings=settings, launch=launch)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_hostile_strings_survive_compose(engine: str) -> None:
    """Quotes, dollars and line breaks in paths and names arrive in the service as they were."""
    plan = hostile_plan(engine)
    services = yaml.safe_load(texts(render(plan))["compose.yaml"])["services"]
    argv = services["engine"]["command"] if engine == "vllm" else services["model"]["entrypoint"]
    assert plan.launch.model_ref.replace("$", "$$") in argv
    mounts = [mount for service in services.values() for mount in service["volumes"] if isinstance(mount, dict)]
    assert plan.launch.model_ref.replace("$", "$$") in [mount["source"] for mount in mounts]


@pytest.mark.external
@pytest.mark.parametrize("engine", list(ENGINES))
def test_hostile_strings_survive_the_real_compose(engine: str, tmp_path: Path) -> None:
    """Compose itself must read back the very path that was planned."""
    plan = hostile_plan(engine)
    config = compose_config(write(render(plan), tmp_path))
    service = config["services"]["engine" if engine == "vllm" else "model"]
    words = service["command"] if engine == "vllm" else service["entrypoint"]
    # `config` prints a file that is a Compose file again, so it doubles dollars.
    assert plan.launch.model_ref.replace("$", "$$") in words


def compose_config(folder: Path, **env: str) -> dict:  # type: ignore[type-arg]
    """`docker compose config` of the folder, parsed; a refusal fails the test with Compose's words."""
    done = subprocess.run(
        [tool("docker-compose"), "-f", "compose.yaml", "config", "--format", "json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **env},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.external
@pytest.mark.parametrize(("engine", "story"), PLANS)
def test_the_real_compose_accepts_every_file(engine: str, story: Story, tmp_path: Path) -> None:
    """`docker compose config` must take the file as it is, and again with .env.example filled in."""
    folder = write(render(planned(engine, story)), tmp_path)
    config = compose_config(folder)
    assert [port["host_ip"] for port in config["services"]["engine"]["ports"]] == ["127.0.0.1"]
    folder = write(render(exposed(engine)), tmp_path / "exposed")
    filled = (folder / ".env.example").read_text().replace("ADVISOR_API_KEY=", "ADVISOR_API_KEY=0123456789abcdef", 1)
    (folder / ".env").write_text(filled)
    services = compose_config(folder)["services"]
    published = {name: services[name]["ports"][0]["host_ip"] for name in ("engine", "gateway")}
    assert published == {"engine": "127.0.0.1", "gateway": EVERYBODY}
    assert "0123456789abcdef" not in json.dumps(services)


@pytest.mark.external
def test_compose_refuses_exposure_without_a_key(tmp_path: Path) -> None:
    """With ADVISOR_BIND set and no key, Compose itself must stop and say which variable is missing."""
    folder = write(render(exposed("vllm")), tmp_path)
    (folder / ".env").write_text("ADVISOR_BIND=0.0.0.0\n")
    done = subprocess.run(
        [tool("docker-compose"), "-f", "compose.yaml", "config"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )
    assert done.returncode != 0 and "ADVISOR_API_KEY" in done.stderr


@pytest.mark.external
@pytest.mark.parametrize(("engine", "story"), PLANS)
def test_shellcheck_is_content_with_every_script(engine: str, story: Story, tmp_path: Path) -> None:
    """shellcheck must find nothing in run.sh, stop.sh and the commands of the checklist."""
    plan = planned(engine, story)
    folder = write(render(plan), tmp_path)
    scripts = ["run.sh", "stop.sh"]
    for number, check in enumerate(check for check in plan.checks if check.command):
        scripts.append(f"check{number}.sh")
        (folder / scripts[-1]).write_text(f"#!/usr/bin/env bash\n{check.command}\n")
    done = subprocess.run(
        [tool("shellcheck"), "--exclude=SC1091,SC2012", *scripts],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.external
@pytest.mark.parametrize("engine", list(ENGINES))
def test_shellcheck_is_content_with_hostile_strings(engine: str, tmp_path: Path) -> None:
    """Quoting must hold where shellcheck looks, also for the worst names."""
    folder = write(render(hostile_plan(engine)), tmp_path)
    done = subprocess.run(
        [tool("shellcheck"), "--exclude=SC2016,SC1112", "run.sh", "stop.sh"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_checklist_speaks_of_every_check() -> None:
    """Each check has a row of the table or is named below it, and each command stands in checks.sh."""
    plan = first_plan("vllm", "rtx-4090-x2", "production", MODELS[1])
    files = texts(render(plan))
    for check in plan.checks:
        alone = check.id in files["CHECKLIST.md"].splitlines()[-1]
        assert alone or check.otherwise.replace("|", "\\|") in files["CHECKLIST.md"]
        assert check.command is None or f"look {check.id} " in files["checks.sh"]
    ids = [check.id for check in plan.checks]
    assert {
        "system",
        "gpu-0",
        "gpu-0-free",
        "driver",
        "memory",
        "disk",
        "port",
        "compose",
        "image",
    } <= set(ids)


@pytest.mark.parametrize(("load", "page"), [("one", "README.md"), ("chat", "docs/operations.md")])
def test_every_setting_is_named_with_its_reason(load: str, page: str) -> None:
    """README of one person, the second page of a server: each setting with its reason."""
    plan = first_plan("ollama", "rtx-4090-x2", load)
    text = texts(render(plan))[page]
    for setting in plan.settings:
        assert setting.name in text and setting.because in text


def test_compiled_templates_are_kept_for_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte code goes into a private cache folder, and never into an open one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bytecode_cache() is not None
    folder = tmp_path / "advisor" / "templates"
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    assert bytecode_cache() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert bytecode_cache() is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that vanished changes nothing about what is rendered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    environment.cache_clear()
    kept = environment()
    (tmp_path / "advisor" / "templates").rmdir()
    assert "#!/usr/bin/env bash" in texts(render(first_plan("vllm", "rtx-4090")))["run.sh"]
    assert kept.bytecode_cache is not None
    environment.cache_clear()

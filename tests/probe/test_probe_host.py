"""System, disk, container engine, and the programs that are asked."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import EnvironmentFailed
from advisor.probe import containers, disk, host, osinfo
from advisor.probe.host import Host
from advisor.schema import Containers, Hardware
from advisor.wire import from_json_file
from tests.probe.recorded_machines import FIXTURES, NAMES, Programs, host_of

DOCKER = "docker version --format {{json .}}"
PODMAN = "podman version --format json"
COMPOSE = "docker compose version --short"
BOTH = '{"Client": {"Version": "28.1.0", "ApiVersion": "1.49"}, "Server": {"Version": "28.2.0"}}'
CLIENT = '{"Client": {"Version": "28.1.0", "ApiVersion": "1.49"}, "Server": null}'
SHIM = '{"Client": {"APIVersion": "5.7.0", "Version": "5.7.0"}}'


def ask(commands: dict[str, Any]) -> tuple[Containers, dict[str, str]]:
    """What is made of these answers."""
    unknown: dict[str, str] = {}
    asked = containers.ask(Host(start=Programs(commands)))
    return containers.finish(asked, unknown), unknown


def test_the_daemons_version_counts() -> None:
    """Client and server may differ; the server runs the containers."""
    found, unknown = ask({DOCKER: BOTH, COMPOSE: "v2.40.3\n"})
    assert (found.engine, found.engine_version, found.compose_version) == ("docker", "28.2.0", "2.40.3")
    assert "containers.engine" not in unknown


def test_a_client_without_its_daemon_says_why() -> None:
    """Docker is installed, and nothing can be started with it now."""
    found, unknown = ask({DOCKER: {"code": 1, "text": CLIENT, "error": "permission denied while trying to connect\n"}})
    assert (found.engine, found.engine_version) == ("docker", "28.1.0")
    assert (
        unknown["containers.engine"] == "the docker daemon does not answer: permission denied while trying to connect"
    )


def test_podman_under_the_name_docker_is_podman() -> None:
    """podman-docker answers to docker; its JSON gives it away."""
    assert ask({DOCKER: SHIM})[0].engine == "podman"


def test_docker_comes_before_podman() -> None:
    """Where both are there, the files are made for Docker."""
    assert ask({DOCKER: BOTH, PODMAN: SHIM})[0].engine == "docker"
    assert ask({PODMAN: SHIM})[0].engine_version == "5.7.0"


def test_the_old_compose_program_counts_too() -> None:
    """docker-compose without the plug-in; a failing plug-in is no version."""
    found, _ = ask(
        {
            DOCKER: BOTH,
            COMPOSE: {"code": 125, "error": "unknown flag: --short"},
            "docker-compose version --short": "2.40.3",
        }
    )
    assert found.compose_version == "2.40.3"
    assert "no compose plug-in" in ask({DOCKER: BOTH})[1]["containers.compose_version"]


def test_nothing_installed_is_two_reasons_and_no_error() -> None:
    """A machine without any container engine."""
    found, unknown = ask({})
    assert found == Containers()
    assert unknown["containers.engine"] == "docker is not installed; podman is not installed"


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "3", '{"Client": 3}', '{"Client": {}}', '{"Server": {}}'])
def test_version_commands_may_print_anything(text: str) -> None:
    """Junk never stops the probe."""
    found, _ = ask(
        {DOCKER: text, PODMAN: text, COMPOSE: text, "nvidia-ctk --version": text, "nvidia-ctk cdi list": text}
    )
    assert found.engine_version is None


def test_cdi_names_are_kept_without_uuids() -> None:
    """Devices by number and `all`; names that are a card's UUID are nobody's business."""
    names = ("0", "GPU-0123", "MIG-0123", "all")
    listed = "level=info msg=Found\n" + "".join(f"nvidia.com/gpu={name}\n" for name in names)
    assert ask({"nvidia-ctk cdi list": listed})[0].cdi_devices == ("nvidia.com/gpu=0", "nvidia.com/gpu=all")


def test_the_toolkits_version_is_read() -> None:
    """The first line of nvidia-ctk --version."""
    printed = "NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80a9b9d0db00d9b1d73c0128c8962c55f4d\n"
    assert ask({"nvidia-ctk --version": printed})[0].nvidia_toolkit_version == "1.17.8"


@pytest.mark.parametrize("name", NAMES)
def test_the_toolkit_is_missed_only_by_nvidia_cards(name: str) -> None:
    """No reason about the NVIDIA toolkit on a machine that has no use for it."""
    hardware = from_json_file(Hardware, FIXTURES / f"{name}.json")
    if not any(card.vendor == "nvidia" for card in hardware.accelerators):
        assert "containers.nvidia_toolkit_version" not in hardware.unknown


def test_wsl_is_linux_inside_windows() -> None:
    """The kernel's release says so."""
    hardware = from_json_file(Hardware, FIXTURES / "wsl-rtx-4070-laptop.json")
    assert (hardware.os, hardware.wsl) == ("linux", True)
    assert not from_json_file(Hardware, FIXTURES / "rtx-4090.json").wsl


def test_another_system_is_refused_with_what_to_do() -> None:
    """Windows outside WSL is not read; the message names three ways out."""
    with pytest.raises(EnvironmentFailed, match=r"win32.*WSL.*--gpu.*--hardware"):
        osinfo.read(Host(system="win32"), {})


@pytest.mark.parametrize(
    ("env", "files", "shown"),
    [
        ({"OLLAMA_MODELS": "/data/models"}, {"/data/models/x": ""}, "/data/models"),
        ({"HF_HOME": "/big/hf"}, {"/big/hf/x": ""}, "/big/hf"),
        ({}, {"/home/someone/.cache/huggingface/hub/x": ""}, "~/.cache/huggingface"),
        ({}, {"/usr/share/ollama/.ollama/models/blobs/x": ""}, "/usr/share/ollama/.ollama/models"),
        ({}, {}, "~/.ollama/models"),
    ],
    ids=["variable", "hugging face", "cache", "service", "nothing yet"],
)
def test_disk_is_looked_at_where_models_will_lie(
    env: dict[str, str], files: dict[str, str], shown: str, tmp_path: Path
) -> None:
    """The first store that exists, else the default; the home folder is written as ~."""
    found = disk.read(host_of({"env": env, "files": files, "disk_free_bytes": 5}, tmp_path), None, {})
    assert found == disk.Disk(shown, 5)


def test_a_folder_that_will_be_made_is_measured_at_its_nearest_parent(tmp_path: Path) -> None:
    """A models path that does not exist yet lies on its parent's disk."""
    measured: list[Path] = []

    def free(path: Path) -> int:
        measured.append(path)
        return 7

    (tmp_path / "srv").mkdir()
    found = disk.read(Host(root=tmp_path, env={}, free_bytes=free), Path("/srv/models/new"), {})
    assert found == disk.Disk("/srv/models/new", 7)
    assert measured == [tmp_path / "srv"]


def test_a_disk_that_does_not_answer_is_a_reason(tmp_path: Path) -> None:
    """A dead network share costs one field."""

    def free(path: Path) -> int:
        raise OSError(5, "Input/output error")

    unknown: dict[str, str] = {}
    assert disk.read(Host(root=tmp_path, env={}, free_bytes=free), Path("/x"), unknown).free_bytes is None
    assert "Input/output error" in unknown["disk_free_bytes"]


def test_a_program_is_started_and_read() -> None:
    """Output, error and exit code come back; the locale is C."""
    answer = host.start_command(["sh", "-c", "echo $LC_ALL; echo no >&2; exit 3"], dict(os.environ))()
    assert answer == (3, "C\n", "no\n")


def test_a_program_that_is_not_there_is_a_reason() -> None:
    """No error is raised for it."""
    answer = host.start_command(["advisor-has-no-such-program"], dict(os.environ))()
    assert answer == (None, "", "advisor-has-no-such-program is not installed")


def test_a_program_that_hangs_is_ended_with_its_children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After the timeout nothing of it is left, and the reason says so."""
    monkeypatch.setattr(host, "COMMAND_TIMEOUT_S", 0.2)
    pid_file = tmp_path / "pid"
    answer = host.start_command(["sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait"], dict(os.environ))()
    assert answer.code is None
    assert "gave no answer" in answer.error
    child = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    for _ in range(1000):  # the kernel ends it in its own time
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] in "ZX":
            return
        time.sleep(0.01)
    raise AssertionError("the child is still running")

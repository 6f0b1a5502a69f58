"""Engines that are installed here and their versions: from the package of the program's environment where it is one.

Starting an engine only to ask for its version is slow, so `--version` is the last resort and has the time limit of
every program that is asked. Images of the container engine come last: what is on PATH is what run.sh starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from advisor.catalog import engine_limits, engine_names
from advisor.catalog.entries import EngineLimits
from advisor.catalog.vendors import vendors
from advisor.probe.host import Host, Started
from advisor.schema import InstalledEngine

_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})+[A-Za-z0-9.+_-]*")
_PYTHON = re.compile(r"#!\s*(\S*/bin)/python[\d.]*\s*$")


def ask(host: Host) -> Started:
    """Start the question for images; a container engine that is not there costs nothing."""
    return host.command("docker", "images", "--format", "{{.Repository}}:{{.Tag}}")


def read(host: Host, images: Started) -> tuple[InstalledEngine, ...]:
    """Every engine of the catalogue that is on PATH, in this program's environment, or an image here."""
    found = [each for name in engine_names() for each in _on_host(host, engine_limits(name))]
    return (*found, *_images(images().text.split()))


def _on_host(host: Host, limits: EngineLimits) -> Iterator[InstalledEngine]:
    program = _which(host, limits.program)
    homes = [*_homes(host, program), *_environments(host)]
    told = next(((home, version) for home in homes if (version := _package(host, home, limits.distributions))), None)
    if told is not None:
        place = program if program and told[0] in _homes(host, program) else told[0]
        yield InstalledEngine(engine=limits.name, version=told[1], found_in="package", place=_shown(host, place))
    elif program is not None:
        version = _said(host, program)
        yield InstalledEngine(engine=limits.name, version=version, found_in="program", place=_shown(host, program))


def _which(host: Host, program: str) -> Path | None:
    folders = (Path(part) for part in host.env.get("PATH", "").split(":") if part.startswith("/"))
    return next((folder / program for folder in folders if host.path(folder / program).is_file()), None)


def _homes(host: Host, program: Path | None) -> list[Path]:
    """Where the packages of a program may lie: beside it, beside what it links to, beside its interpreter."""
    if program is None:
        return []
    real = host.path(program).resolve()
    inside = Path("/") / real.relative_to(host.root.resolve()) if real.is_relative_to(host.root.resolve()) else program
    first = (host.text(inside) or "").splitlines()[:1] if host.path(inside).stat().st_size < 1 << 16 else []
    shebang = _PYTHON.match(first[0]) if first else None
    homes = [program.parent.parent, inside.parent.parent, *([Path(shebang[1]).parent] if shebang else [])]
    return list(dict.fromkeys(homes))


def _environments(host: Host) -> list[Path]:
    """Python environments that are active though their programs are not on PATH."""
    return [Path(host.env[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if host.env.get(name)]


def _package(host: Host, home: Path, distributions: tuple[str, ...]) -> str | None:
    """The version of the first of the packages that the environment holds, by its metadata."""
    for folder in sorted(
        path for library in ("lib", "lib64") for path in host.path(home / library).glob("python3*/*-packages")
    ):
        for name in distributions:
            for info in sorted(folder.glob(f"{name.replace('-', '_')}-*.dist-info")):
                return _metadata_version(info) or info.name.removesuffix(".dist-info").split("-")[1]
    return None


def _metadata_version(info: Path) -> str | None:
    try:
        text = (info / "METADATA").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^Version: *(\S+)", text, re.MULTILINE)
    return found[1][:80] if found else None


def _said(host: Host, program: Path) -> str | None:
    """What the program says; with a server running Ollama tells that one's version first and its own last."""
    answer = host.command(str(program), "--version")()
    numbers = _NUMBER.findall(answer.text + answer.error) if answer.code is not None else []
    return numbers[-1][:80] if numbers else None


def _images(names: list[str]) -> Iterator[InstalledEngine]:
    """Images of the engines by the names under which they are published; a tag without a number tells no version."""
    repositories = {
        build.image.partition(":")[0]: engine
        for vendor in vendors().values()
        for engine, build in vendor.builds.items()
        if build.image
    }
    for name in dict.fromkeys(names):
        repository, _, tag = name.rpartition(":")
        plain = repository.removeprefix("docker.io/")
        engine = next(
            (engine for known, engine in repositories.items() if plain == known or plain.startswith(f"{known}-")), None
        )
        if engine is not None:
            version = _NUMBER.match(tag.removeprefix("v"))
            number = version[0].split("-")[0] if version else None
            yield InstalledEngine(engine=engine, version=number, found_in="image", place=name[:200])


def _shown(host: Host, path: Path) -> str:
    """The path without the user's name."""
    home = PurePosixPath(host.env.get("HOME") or "/")
    if home != PurePosixPath("/") and path.is_relative_to(home):
        return str(PurePosixPath("~") / path.relative_to(home))
    return str(path)

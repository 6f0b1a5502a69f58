"""Container engine, Compose and the toolkit for GPUs, by their own version commands, all asked at once."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from advisor.edge.reading import said_json
from advisor.probe import nvidia_toolkit
from advisor.probe.host import Host, Started, first_line
from advisor.schema import Containers

_MOST_SHOWN = 80  # characters of a version


class Asked(NamedTuple):
    """Version commands that are running; `finish` collects them."""

    docker: Started
    podman: Started
    compose: tuple[Started, ...]
    toolkit: nvidia_toolkit.Asked


def ask(host: Host) -> Asked:
    """Start every version command; a program that is not there costs nothing."""
    return Asked(
        docker=host.command("docker", "version", "--format", "{{json .}}"),
        podman=host.command("podman", "version", "--format", "json"),
        compose=(
            host.command("docker", "compose", "version", "--short"),
            host.command("docker-compose", "version", "--short"),
            host.command("podman-compose", "version", "--short"),
        ),
        toolkit=nvidia_toolkit.ask(host),
    )


def finish(asked: Asked, unknown: dict[str, str]) -> Containers:
    """Collect the answers; what gave none is None with its reason in `unknown`."""
    engine, version = _engine(asked, unknown)
    toolkit = nvidia_toolkit.finish(asked.toolkit, unknown)
    return Containers(
        engine=engine,
        engine_version=version,
        compose_version=_compose(asked, engine, unknown),
        nvidia_toolkit_version=toolkit.version,
        cdi_devices=toolkit.cdi_devices,
    )


def _engine(asked: Asked, unknown: dict[str, str]) -> tuple[str | None, str | None]:
    docker, podman = asked.docker(), asked.podman()
    for program, answer in (("docker", docker), ("podman", podman)):
        versions = _json(answer.text)
        client = versions.get("Client")
        if not isinstance(client, dict):
            continue
        name = "podman" if "APIVersion" in client else program  # podman may answer to the name docker
        server = versions.get("Server")
        if name == "docker" and not server:
            reason = first_line(answer.error) or "no reason given"
            unknown["containers.engine"] = f"the docker daemon does not answer: {reason}"
        return name, _text((server if isinstance(server, dict) else client).get("Version"))
    reasons = {first_line(answer.error) for answer in (docker, podman) if answer.error}
    unknown["containers.engine"] = "; ".join(sorted(reasons)) or "neither docker nor podman answers"
    return None, None


def _compose(asked: Asked, engine: str | None, unknown: dict[str, str]) -> str | None:
    answers = [started() for started in asked.compose]
    for answer in answers:
        version = re.search(r"\d{1,9}(\.\d{1,9})+\S*", answer.text)
        if answer.code == 0 and version:
            return version.group()[:_MOST_SHOWN]
    if engine == "docker":
        unknown["containers.compose_version"] = "docker has no compose plug-in, and docker-compose is not installed"
    elif engine == "podman":
        unknown["containers.compose_version"] = "neither podman-compose nor docker-compose is installed"
    return None


def _json(text: str) -> dict[str, Any]:
    loaded = said_json(text)
    return loaded if isinstance(loaded, dict) else {}


def _text(value: object) -> str | None:
    return value[:_MOST_SHOWN] if isinstance(value, str) and value else None

"""What an engine tells the parts of the deployment around it: they place it without asking which engine it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from advisor.schema import value


@value
class Command:
    """How one engine process is started: the arguments behind its program, and its variables."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


@value
class Preparation:
    """How a server that is up already is given its model, by a client of the same program.

    The commands are for a shell that has the model's source in `$1` and the name to serve in `$2`.
    """

    template: str  # of `file`, under templates/
    file: str  # of the deployment folder; `make` reads it
    holds: str  # what stands in it, for people
    address_variable: str  # says where the server is
    up: str  # succeeds once the server answers
    present: str  # succeeds where the source is in the store
    fetch: str
    make: str  # the path of `file` follows
    load: str  # into memory; empty: the first request does
    remove: str  # the name from the store
    serving: tuple[str, ...]  # succeeds while the name is served

    def script(self, path: str) -> str:
        """All of it in one line, where `file` lies at `path` and `$3` says "local" for a source that is here."""
        load = f"; {self.load} </dev/null >/dev/null" if self.load else ""
        fetch = f'test "$3" = local || {self.present} >/dev/null 2>&1 || {self.fetch}'
        return f"{fetch}; {self.make} {path}{load}"


@value
class Pod:
    """One pod of the plan in Kubernetes, for a chart that says the same in words of its own."""

    name: str  # of every object
    argv: tuple[str, ...]
    cores: float  # requested
    devices: Mapping[str, int]  # resource → number


@value
class Chart:
    """A Helm chart that the engine's users know, and the plan as its values."""

    template: str  # under templates/
    file: str  # in the folder `kubernetes/`
    values: Mapping[str, Any]  # what the template places
    has_router: bool = False  # that shares requests out among pods


@value
class Supplies:
    """What to carry to where there is no network. The program is a Python package or an archive."""

    weights: str  # where they lie below the carried folder of models
    store: str  # where the engine looks, below the same folder; empty: there
    fetched_by: str  # Markdown
    requirement: str = ""  # for pip
    archive: str = ""  # its address
    variables: tuple[str, ...] = ()  # that keep the engine from asking anybody
    repositories: tuple[str, ...] = ()  # or tags: what is fetched, the model first
    fetch: str = ""  # shell lines: puts those of "$@" on the volume, goes on where it was cut off, tests what came
    fetched: Mapping[str, str] = field(default_factory=dict)  # variables of an engine that starts after it


@value
class OnRay:
    """The engine inside Ray's own image."""

    version: str
    arguments: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=dict)

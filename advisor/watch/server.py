"""Which engine answers at an address, how it is looked at, and which one it is compared with."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from advisor.catalog import engine_limits, engines_told
from advisor.edge.answers import LOOPBACK_HOSTS
from advisor.edge.terminal import shown
from advisor.engines import ENGINES
from advisor.engines.asking import Server, ask
from advisor.engines.looking import Reader
from advisor.errors import BadInput, EnvironmentFailed

HERE = (*LOOPBACK_HOSTS, "0.0.0.0")  # noqa: S104 - read, not bound
_WRITTEN = {"::1": "localhost", "0.0.0.0": "127.0.0.1"}  # noqa: S104 - where whoever listens there is asked
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_CLOSED = ("answered 401", "answered 403")
_KEYED = (
    "what answers there asks for a key, as a gateway does, and none is sent from here: "
    "give the address of the engine itself, on its own machine or through a tunnel"
)
_ACCEPTED = "accepted is http://HOST:PORT, e.g. http://127.0.0.1:11434"
_PORTS = {"http": 80, "https": 443}


def find_server(url: str) -> Server:
    """The engine behind an address; without a scheme it is http.

    Raises:
        BadInput: no address of a server.
        EnvironmentFailed: nobody answers there, or none of the engines does.
    """
    base, here = _base(url)
    why, paths = [], [engine.observer().VERSION_PATH for engine in ENGINES.values()]
    for name, path in zip(ENGINES, paths, strict=True):
        try:
            version = ask(base + path, here).get("version")
        except EnvironmentFailed as error:
            why.append(str(error))
            continue
        if isinstance(version, str) and version:
            return Server(engine=name, base=base, version=version[:80], here=here)
    if any(each.endswith(_CLOSED) for each in why):
        raise EnvironmentFailed(f"{base}: {_KEYED}")
    told = why[0] if why else f"it answers, but with no version at {' or '.join(paths)}"
    raise EnvironmentFailed(f"{base}: neither {engines_told('nor')} answers there ({told})")


def reader_of(server: Server) -> Reader:
    """How that server is looked at."""
    return ENGINES[server.engine].observer().reader(server)


def other_engine(name: str) -> str:
    """The engine that a crossover is sought with: the next in simplicity, and before the last the one before it."""
    order = sorted(ENGINES, key=lambda each: engine_limits(each).simplicity)
    place = order.index(name)
    return order[place + 1 if place + 1 < len(order) else place - 1]


def _base(url: str) -> tuple[str, bool]:
    try:
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    rest, name = parts.path.rstrip("/"), _WRITTEN.get(host, host)
    if parts.username is not None:
        raise BadInput(
            f"the address of {shown(name)} holds a name or a key before the @: none is sent from here; {_ACCEPTED}"
        )
    odd = parts.scheme not in _PORTS or rest not in ("", "/v1", "/api")
    if odd or not _NAME.fullmatch(name):
        raise BadInput(f"{shown(url)} is no address of a server; {_ACCEPTED}")
    return f"{parts.scheme}://{name}:{port or _PORTS[parts.scheme]}", host in HERE

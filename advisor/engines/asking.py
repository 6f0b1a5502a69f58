"""What a server answers at an address: within bounds of time and size, and read strictly."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError

from advisor.edge.answers import fetched, why
from advisor.edge.bounds import MOST_ITEMS
from advisor.edge.reading import parse_json
from advisor.errors import BadInput, EnvironmentFailed
from advisor.schema import value

_IDLE_S, _TOTAL_S = 5.0, 15.0  # of one question
_MOST_BYTES = 8 << 20  # of its answer: the longest is what a model's file says of itself


@value
class Server:
    """An engine that answers."""

    engine: str  # as the registry names it
    base: str  # http://HOST:PORT
    version: str
    here: bool  # on this machine

    @property
    def upstream(self) -> str:
        """As a gateway is told of it: host and port, and the scheme where it is HTTPS."""
        return self.base.removeprefix("http://")


def ask(url: str, here: bool, body: object = None) -> dict[str, Any]:
    """The JSON object that a path answers; `body` makes it a POST.

    Raises:
        EnvironmentFailed: refused, cut, too slow, too long, or no JSON object.
    """
    found = parsed(ask_bytes(url, here, body), url)
    if not isinstance(found, dict):
        raise EnvironmentFailed(f"{url}: did not answer with a JSON object")
    return found


def parsed(content: bytes, url: str) -> Any:
    """JSON of a server: finite, and not deep.

    Raises:
        EnvironmentFailed: it is none.
    """
    try:
        return parse_json(content, url)
    except BadInput as error:
        raise EnvironmentFailed(str(error)) from None


def ask_bytes(url: str, here: bool, body: object = None) -> bytes:
    """The body that a path answers.

    Raises:
        EnvironmentFailed: refused, cut, too slow, too long, or an error of the server.
    """
    data = None if body is None else json.dumps(body).encode()
    try:
        return fetched(url, idle_s=_IDLE_S, total_s=_TOTAL_S, most=_MOST_BYTES, here=here, body=data)
    except HTTPError as error:
        raise EnvironmentFailed(f"{url}: answered {error.code}") from None
    except OSError as error:
        raise EnvironmentFailed(f"{url}: {why(error)}") from None


def rows(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list that an answer holds; what is none is left out."""
    listed = found.get(key)
    return [each for each in listed[:MOST_ITEMS] if isinstance(each, dict)] if isinstance(listed, list) else []


def text(found: dict[str, Any], key: str) -> str:
    """The text of an answer's key; empty where it is none."""
    told = found.get(key)
    return told if isinstance(told, str) else ""


def number(found: dict[str, Any], key: str) -> float | None:
    """The number of an answer's key, not negative; None where it is none."""
    told = found.get(key)
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) and told >= 0 else None

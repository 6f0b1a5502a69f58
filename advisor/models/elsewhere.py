"""Models that are not our job, by name or architecture: refused with a pointer (data/elsewhere.yaml)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from advisor.catalog import constants
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.pattern import Pattern

_BETWEEN = Pattern(r"[^a-z0-9]+")


def refuse_by_name(name: str) -> None:
    """Refuse a name that says what the model does instead of writing.

    Raises:
        BadInput: what it does, and where to go.
    """
    whole = name.lower()
    words = set(_BETWEEN.split(whole.rpartition("/")[2]))
    for kind in constants("elsewhere")["kinds"]:
        if words & set(kind["words"]) or any(phrase in whole for phrase in kind["phrases"]):
            raise BadInput(_told(shown(name), kind))


def refuse_closed(name: str) -> None:
    """Refuse the bare name of a model whose weights its maker gives to nobody; a repository's name has an owner.

    Raises:
        BadInput: who serves it, and what to type for an open one.
    """
    if "/" in name:
        return
    for kind in constants("elsewhere")["closed"]:
        if any(re.match(rf"{re.escape(begin)}(?![a-z0-9])", name.lower()) for begin in kind["begins"]):
            raise BadInput(
                f"model {shown(name)} is served by {kind['maker']} alone: nobody can download its weights\n"
                "without --model the best open one for the machine is chosen",
                near=kind["open"],
                seen=name,
                flag="--model",
            )


def refuse_by_architecture(architectures: Iterable[str], where: str) -> None:
    """Refuse a config that says so.

    Raises:
        BadInput: what it does, and where to go.
    """
    seen = set(architectures)
    for kind in constants("elsewhere")["kinds"]:
        if seen & set(kind["architectures"]):
            raise BadInput(_told(where, kind))


def _told(model: str, kind: Mapping[str, Any]) -> str:
    ours = "and advisor plans models that write text or make vectors of it"
    return f"model {model} {kind['does']}, {ours}: {kind['instead']}"

"""The options that describe load, model and machine, made from the definition of the workload's keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from advisor.workload.key import Key
from advisor.workload.keys import KEYS, PROFILE
from advisor.workload.kinds import Flag

F = TypeVar("F", bound=Callable[..., Any])


class KeyType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """The value of a workload key as click sees it: read, bounded and refused by the key's own definition."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.name = key.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """The value of its type; what is refused is named as it was typed."""
        return self.key.read(value, name=flag(self.key))

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """How `--help` writes the value; names of a registry are asked for only here."""
        return self.key.metavar or self.key.kind.metavar


def flag(key: Key) -> str:
    """`ttft_ms` → `--ttft-ms`."""
    return f"--{key.word or key.name.replace('_', '-')}"


def option(key: Key) -> Callable[[F], F]:
    """The click option of a key; None means "not given"."""
    if isinstance(key.kind, Flag):
        return click.option(f"{flag(key)}/--no-{flag(key)[2:]}", default=None, help=key.help)
    return click.option(flag(key), key.name, type=KeyType(key), help=key.help)


_MACHINE = (
    click.option(
        "--gpu",
        metavar="TEXT",
        help='Cards to plan for instead of this machine, e.g. "2x RTX 4090" or "4x RTX 3090 at 220 W".',
    ),
    click.option(
        "--hardware",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A machine recorded by `advisor probe --out`, instead of this one.",
    ),
)


def load_options(function: F) -> F:
    """Add every option that describes load, model and machine."""
    for each in reversed((option(PROFILE), *(option(key) for key in KEYS if key.option), *_MACHINE)):
        function = each(function)
    return function

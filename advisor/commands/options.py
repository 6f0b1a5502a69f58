"""The options that describe load, model and machine, made from the definition of the workload's keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from advisor.commands.completing import LIST, CardNames, HardwareFile, Named, formats, helpers, models, profiles
from advisor.commands.heard import Told, beside_the_load, heard
from advisor.commands.reality import OPTIONS, from_reality
from advisor.workload.key import Key
from advisor.workload.keys import KEYS, PROFILE
from advisor.workload.kinds import Flag
from advisor.workload.names import Name, Names

F = TypeVar("F", bound=Callable[..., Any])


class KeyType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """The value of a workload key as click sees it: read, bounded and refused by the key's own definition."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.name = key.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """The value of its type; what is refused is named as it was typed."""
        return self.key.read(value, name=self.key.flag)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names that the key's value may begin with."""
        kind, names = self.key.kind, _NAMES.get(self.key.name)
        if names is None:
            names = kind.names if isinstance(kind, Name | Names) else lambda: ()
        several = isinstance(kind, Names) or self.key.name == "beside"
        return (Named(names, LIST) if several else Named(names)).shell_complete(ctx, param, incomplete)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """How `--help` writes the value; names of a registry are asked for only here."""
        return self.key.metavar or self.key.kind.metavar


_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "model": models, "profile": profiles, "quantization": formats, "beside": helpers
}  # fmt: skip
_HEADINGS = {
    "People": ("profile", "people", "requests", "targets"),
    "Model": ("model",),
    "Machine": ("machines",),
    "Answer": ("service",),
}
_OTHERS = {
    "gpu": "Machine", "hardware": "Machine", "measurements": "Machine", "from_log": "People", "from_metrics": "People"
}  # fmt: skip


class Grouped(click.Command):
    """A command whose help lists its options under four headings: who, which model, which machine, what comes out."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each option in the section of its key, or that `_OTHERS` names; the others belong to the answer."""
        of_key = {
            key.name: heading for key in (PROFILE, *KEYS) for heading in _HEADINGS if key.group in _HEADINGS[heading]
        }
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in _HEADINGS}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            own = _OTHERS.get(param.name or "", "Answer")
            if record is not None:
                sections[of_key.get(param.name or "", own)].append(record)
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


def option(key: Key) -> Callable[[F], F]:
    """The click option of a key; None means "not given"."""
    if isinstance(key.kind, Flag):
        return click.option(f"{key.flag}/{key.off}", default=None, help=key.help)
    return click.option(key.flag, key.name, type=KeyType(key), help=key.help)


_MACHINE = (
    click.option(
        "--gpu",
        type=CardNames(),
        metavar="TEXT",
        help='Cards to plan for instead of this machine, e.g. "2x RTX 4090" or "4x RTX 3090 at 220 W".',
    ),
    click.option(
        "--hardware",
        type=HardwareFile(path_type=Path, dir_okay=False),
        help="A machine recorded by `advisor probe --out`, instead of this one.",
    ),
)


def load_options(function: F, told: Told = beside_the_load) -> F:
    """Add every option that describes load, model and machine.

    Args:
        function: the command.
        told: says what of the options is set aside.
    """
    function = heard(from_reality(function), told)
    for each in reversed((option(PROFILE), *OPTIONS, *(option(key) for key in KEYS if key.option), *_MACHINE)):
        function = each(function)
    return function

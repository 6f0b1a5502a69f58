"""Values of options that are no workload keys: read, bounded and refused as those are."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from advisor.commands.completing import Named
from advisor.commands.typed import spelt
from advisor.workload.key import accepted
from advisor.workload.kinds import Kind
from advisor.workload.names import Name


class Of(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """A value of a kind that workload keys have too: bounded, and refused in the same words."""

    def __init__(self, kind: Kind, unit: str = "") -> None:
        self.kind, self.unit, self.name = kind, unit, "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """The value of its type.

        Raises:
            BadInput: it is none; says the nearest.
        """
        flag = param.opts[-1] if isinstance(param, click.Option) else ""
        return accepted(self.kind, value, spelt(param, self.name), unit=self.unit, flag=flag)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names, where it is one of a few."""
        names = self.kind.names if isinstance(self.kind, Name) else lambda: ()
        return Named(names).shell_complete(ctx, param, incomplete)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """How `--help` writes the value."""
        return self.kind.metavar


def one_of(*names: str) -> Of:
    """One of these words."""
    return Of(Name(names=lambda: names))

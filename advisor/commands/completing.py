"""What a shell offers behind TAB: cards, models, profiles, formats, ids that can be explained, files of plans.

bash: `eval "$(_ADVISOR_COMPLETE=bash_source advisor)"`, zsh: `eval "$(_ADVISOR_COMPLETE=zsh_source advisor)"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from advisor.edge.reading import is_file, is_folder
from advisor.errors import BadInput

PLAN = "plan.json"
_MOST = 100  # names that a shell is offered at once


class Named(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """Text, of which a shell offers the names that it may begin with."""

    name = "text"

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self.names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """The text as it is."""
        return value

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Names that begin so, else those that hold it, in any case; and files."""
        low = incomplete.lower()
        names = list(self.names())
        found = [name for name in names if name.lower().startswith(low)] or [n for n in names if low in n.lower()]
        return [CompletionItem(name) for name in found[:_MOST] if name.isprintable()]


class Place(click.Path):
    """A path; where it is of the other sort, what it is and what is needed, with the nearest that is there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            BadInput: a folder in place of a file, or a file in place of a folder.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as refused:
            raise misplaced(Path(str(value)), param, refused) from None


def misplaced(path: Path, param: click.Parameter | None, refused: click.BadParameter) -> BadInput:
    """What is said of a path that cannot be what is asked for."""
    name = param.opts[-1] if isinstance(param, click.Option) else (param.human_readable_name if param else "path")
    if is_folder(path):
        inside = path / PLAN
        near, said = str(inside) if is_file(inside) else None, "is a folder; a file is needed"
    elif is_file(path):
        near, said = str(path.parent) if path.name == PLAN else None, "is a file; a folder is needed"
    else:
        near, said = None, refused.message
    hint = f"; did you mean {near}?" if near else ""
    return BadInput(f"{name}: {path} {said}{hint}", near=near, seen=str(path))


class PlanFile(Place):
    """A path, of which a shell offers plan.json and folders that hold one before anything else."""

    pattern = PLAN

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,
        incomplete: str,
    ) -> list[CompletionItem]:
        """Files of that name here and one folder down; else the shell's own completion of paths."""
        found = sorted(path for way in (self.pattern, f"*/{self.pattern}") for path in Path().glob(way))
        told = [str(path if self.file_okay else path.parent) for path in found]
        items = [CompletionItem(each) for each in told if each.startswith(incomplete) and each.isprintable()]
        return items or super().shell_complete(ctx, param, incomplete)


class HardwareFile(PlanFile):
    """A recorded machine: any JSON file."""

    pattern = "*.json"


def cards() -> Iterable[str]:
    """Ids of the catalogue without the maker of most: no blanks, so that a shell takes each as one word."""
    from advisor.catalog import raw_entries

    return (entry["id"].removeprefix("nvidia-") for entry in raw_entries("gpus"))


def models() -> Iterable[str]:
    """Hub ids."""
    from advisor.catalog import model_entries

    return (entry["hf_id"] for entry in model_entries())


def profiles() -> Iterable[str]:
    """Shipped profiles."""
    from advisor.workload.profiles import profile_names

    return profile_names()


def formats() -> Iterable[str]:
    """Weights formats."""
    from advisor.catalog import formats as known

    return known()


def ids() -> Iterable[str]:
    """Everything that can be explained, rules among them."""
    from advisor.report.explain import names

    return names()


def comparable() -> Iterable[str]:
    """What `compare` puts side by side, plans left aside: engines, formats, models, cards."""
    from advisor.catalog import engine_names

    return (*engine_names(), *formats(), *models(), *cards())

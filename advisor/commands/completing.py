"""What a shell offers behind TAB: cards, models, profiles, formats, ids that can be explained, files of plans.

bash: `eval "$(_ADVISOR_COMPLETE=bash_source advisor)"`, zsh: `eval "$(_ADVISOR_COMPLETE=zsh_source advisor)"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from advisor.commands.typed import spelt
from advisor.edge.reading import is_file, is_folder
from advisor.errors import BadInput

PLAN = "plan.json"
LIST = re.compile(r"(?:.*,\s*)?")  # names before another one
_NOTHING = re.compile("")
_MOST = 100  # names that a shell is offered at once


class Named(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """Text, of which a shell offers the names that it may begin with.

    Args:
        names: all of them.
        before: what may stand before a name, such as other names and a comma; it is kept.
    """

    name = "text"

    def __init__(self, names: Callable[[], Iterable[str]], before: re.Pattern[str] = _NOTHING) -> None:
        self.names, self.before = names, before

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
        kept = found[0] if (found := self.before.match(incomplete)) else ""
        low = incomplete[len(kept) :].lower()
        names = list(self.offered(incomplete))
        near = [name for name in names if name.lower().startswith(low)] or [n for n in names if low in n.lower()]
        return [CompletionItem(f"{kept}{name}") for name in near[:_MOST] if name.isprintable()]

    def offered(self, incomplete: str) -> Iterable[str]:  # noqa: ARG002 - others look at it
        """The names that may stand behind what was typed."""
        return self.names()


class CardNames(Named):
    """Cards with their number, one or several; inside quotes, where a blank was typed, as they are written in words."""

    def __init__(self) -> None:
        super().__init__(cards, re.compile(r"(?:.*(?:,|\+)\s*)?(?:\d+\s*[x×]\s*)?", re.IGNORECASE))

    def offered(self, incomplete: str) -> Iterable[str]:
        """Ids, which are one word for a shell; behind a blank, names in words."""
        return cards_in_words() if " " in incomplete else cards()


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
    name = spelt(param, "path")
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


def cards_in_words() -> Iterable[str]:
    """Names of the catalogue without the maker of most: `RTX 4090`."""
    from advisor.catalog import raw_entries
    from advisor.catalog.vendors import short_card

    return (short_card(entry["name"]) for entry in raw_entries("gpus"))


def helpers() -> Iterable[str]:
    """Hub ids of models for vectors and scores."""
    from advisor.catalog import models as known
    from advisor.models.purpose import purpose

    return (model.hf_id for model in known() if purpose(model) != "text")


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

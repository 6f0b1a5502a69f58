"""`advisor plan diff`: what changed between two plans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from advisor.commands.completing import PlanFile
from advisor.commands.groups import Group

if TYPE_CHECKING:
    from rich.text import Text

    from advisor.report.differences import Differences
    from advisor.schema import Plan

TITLES = ("verdict", "asked", "machine", "settings", "predictions")
SAME = "The two plans say the same: no setting, prediction or file differs."


@click.group("plan", cls=Group)
def command() -> None:
    """What saved plans say.

    \b
    Examples:
      advisor plan diff before/plan.json deploy/plan.json
      advisor plan diff before deploy --json

    \b
    Exit codes: 0 done, 2 bad input.
    """


@command.command("diff")
@click.argument("before", metavar="A", type=PlanFile(path_type=Path))
@click.argument("after", metavar="B", type=PlanFile(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def diff(before: Path, after: Path, as_json: bool) -> None:
    """What changed from plan A to plan B: verdict, question, machine, settings, predictions, files.

    Each is a plan.json or a deployment folder; the files are what each plan renders to, whatever lies on the disk.

    \b
    Examples:
      advisor plan diff before/plan.json deploy/plan.json
      advisor plan diff before deploy --json
    """
    from advisor.report.differences import differences
    from advisor.wire import to_json

    found = differences(_plan(before), _plan(after))
    if as_json:
        click.echo(to_json(found), nl=False)
        return
    from advisor.report.console import show

    show(_told(found))


def _plan(path: Path) -> Plan:
    """The plan of a file or of a folder."""
    from advisor.folder.saved import plan_in, read_plan

    return plan_in(path) if path.is_dir() else read_plan(path)


def _told(found: Differences) -> Iterator[Text]:
    """A heading and its rows for each kind that differs."""
    from rich.text import Text

    from advisor.report.layout import columns
    from advisor.report.screen import screen

    sections = {title: list(_rows(found, title)) for title in TITLES}
    sections["files"] = [(file.path, f"{file.kind}, +{file.lines_added} -{file.lines_removed}") for file in found.files]
    for title, lines in sections.items():
        if lines:
            yield Text(title.capitalize(), style="bold")
            yield from columns(lines, screen().columns, indent=2)
    if not any(sections.values()):
        yield Text(SAME)


def _rows(found: Differences, title: str) -> Iterator[tuple[str, str]]:
    """`name  before → after; because`."""
    for each in getattr(found, title):
        yield each.name, f"{each.before} → {each.after}" + (f"; {each.because}" if each.because else "")

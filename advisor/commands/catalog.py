"""`advisor catalog`: what is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from advisor.commands.accepting import one_of
from advisor.commands.groups import Group

if TYPE_CHECKING:
    from advisor.report.listing import Listing

KINDS = {
    "gpus": "Cards: memory, bandwidth, speed, which engine runs on them.",
    "models": "Models: sizes, formats, names in both worlds.",
    "engines": "Engines: the pinned versions and what they accept.",
    "rules": "Rules that judge a candidate, with their severity.",
    "formats": "Weights formats and who loads them.",
    "cpus": "Processors: memory bandwidth and arithmetic.",
    "sources": "Where each figure was taken from.",
}
SCHEMAS = ("workload", "plan", "hardware")


@click.group("catalog", cls=Group)
def command() -> None:
    """What is known: GPUs, models, engines, rules; weight formats, processors and sources too.

    Columns are a selection; --json holds every field of every entry. Piped output has one entry a line.

    \b
    Examples:
      advisor catalog gpus --search "rtx 4090"
      advisor catalog models --search "qwen3 8b"
      advisor catalog rules --json
      advisor catalog schema workload
      advisor catalog version

    \b
    Exit codes: 0 something was found, 1 nothing matches, 2 bad input.
    """


def _lister(kind: str, line: str) -> click.Command:
    """The subcommand that lists one kind of entry."""

    @click.command(kind, help=f"{line}\n\n\b\nExample:\n  advisor catalog {kind} --json")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, with every field.")
    @click.option("--search", default="", metavar="TEXT", help="Only entries that hold every word of TEXT.")
    def listed(as_json: bool, search: str) -> None:
        _list(kind, as_json, search)

    return listed


for _kind, _line in KINDS.items():
    command.add_command(_lister(_kind, _line))


@command.command("schema")
@click.argument("name", type=one_of(*SCHEMAS))
def schema(name: str) -> None:
    """JSON Schemas of what is read and written.

    workload: a profile; plan: plan.json; hardware: a machine recorded by `advisor probe --out`.

    \b
    Example:
      advisor catalog schema workload > workload.schema.json
    """
    from advisor.report.schemas import schema as schema_of
    from advisor.wire import to_json

    click.echo(to_json(schema_of(name)), nl=False)


@command.command("version")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def version(as_json: bool) -> None:
    """How old the facts are, which bundle they come from, and what this user's own entries change.

    \b
    Example:
      advisor catalog version
    """
    from advisor.report.catalog_age import lines, standing

    found = standing()
    if as_json:
        from advisor.wire import to_json

        click.echo(to_json(found), nl=False)
    else:
        for line in lines(found):
            click.echo(line)


@command.command("update")
@click.option("--from", "where", metavar="FILE|URL", help="The bundle; without it $ADVISOR_CATALOG_URL is asked.")
@click.option("--force", is_flag=True, help="Take a bundle that is older than the one that is read now.")
@click.option("--undo", is_flag=True, help="Go back to the bundle before.")
def update(where: str | None, force: bool, undo: bool) -> None:
    """Take a newer bundle of facts: cards, models, scores, their sources.

    It is checked before anything changes (checksums, every entry, every name) and put in place in one step; own
    entries in catalog.d still win. What belongs to the program (rules, engines' flags, constants) is not in a bundle.

    \b
    Examples:
      advisor catalog update --from catalog-2026.12.28.zip
      ADVISOR_CATALOG_URL=https://mirror.example/catalog.zip advisor catalog update

    \b
    Exit codes: 0 taken, 2 a bad file or bundle, 3 an address that does not answer, a folder that cannot be written.
    """
    from advisor.bundles import install
    from advisor.commands.progress import patient
    from advisor.commands.typed import refuse

    if undo:
        refuse(("where", "force"), "--undo takes no bundle")
        click.echo(f"now read: {install.undo()}")
        return
    with patient() as progress:
        taken = install.update(where or _address(), force=force, progress=progress)
    click.echo(f"taken: {taken.version}, with {', '.join(sorted(taken.files))}; `advisor catalog version` tells more")


def _address() -> str:
    """Where bundles are had, as this user says.

    Raises:
        BadInput: nobody said.
    """
    import os

    from advisor.catalog.overrides import update_from
    from advisor.errors import BadInput

    found = os.environ.get("ADVISOR_CATALOG_URL") or update_from()
    if not found:
        raise BadInput(
            "catalog update: there is no published address of bundles yet; name one with --from FILE|URL, in "
            "ADVISOR_CATALOG_URL, or as update_from in a file of catalog.d (`advisor catalog version` shows where)"
        )
    return found


def _list(kind: str, as_json: bool, search: str) -> None:
    from advisor.report.listing import listing

    found = listing(kind, search)
    if as_json:
        from advisor.wire import to_json

        click.echo(to_json({"schema_version": 1, kind: found.entries}), nl=False)
    elif found.rows:
        _print(found)
    if not found.rows:
        click.echo(f"advisor: no entry of {kind} holds {search!r}", err=True)
        raise click.exceptions.Exit(1)


def _print(found: Listing) -> None:
    """A table that wraps inside its columns on a terminal; aligned plain lines when piped."""
    import sys

    if not sys.stdout.isatty():
        for line in plain_lines([found.titles, *found.rows]):
            click.echo(line)
        return
    from rich.table import Table

    from advisor.report.styled import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in found.titles:
        table.add_column(title, overflow="fold")
    for row in found.rows:
        table.add_row(*row)
    console().print(table)


def plain_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, two blanks between, nothing cut and no blanks at line ends."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

"""`advisor measurements`: what was measured on this machine and is used instead of estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from advisor.commands.completing import Place
from advisor.commands.groups import Group

if TYPE_CHECKING:
    from advisor.measured.entries import Measurement


@click.group("measurements", cls=Group, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """What `advisor smoke` and `advisor probe --measure` measured here, used by the advice instead of an estimate.

    \b
    Examples:
      advisor measurements
      advisor measurements list --json > measured.json    (for `--measurements measured.json` elsewhere)
      advisor measurements export --out mine.csv          (for `advisor evaluate mine.csv`, and to contribute)
      advisor measurements forget 3f9c1a
      advisor measurements forget --all

    \b
    Exit codes: 0 done, 2 bad input, 3 the environment failed.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
@click.option("--here", is_flag=True, help="Only those of this machine.")
def list_(as_json: bool = False, here: bool = False) -> None:
    """Every measurement that is kept."""
    from advisor.measured.store import folder, kept_here

    known = kept_here()
    entries = known.entries
    if here:
        from advisor.probe import probe

        entries = known.of(probe())
    if as_json:
        from advisor.wire import to_json

        click.echo(to_json(list(entries)), nl=False)
    elif not entries:
        click.echo(f"Nothing was measured yet ({folder()}); `advisor probe --measure` and `advisor smoke DIR` measure.")
    else:
        for entry in entries:
            _show(entry)


@command.command("export")
@click.option("--out", type=Place(path_type=Path, dir_okay=False), help="Write the CSV here, not to the terminal.")
@click.option("--force", is_flag=True, help="Let --out replace a file that is no export.")
def export_(out: Path | None, force: bool) -> None:
    """What is kept as a CSV that `advisor evaluate` reads, without names of hosts, people or paths.

    Models that are not in the catalogue are left out: their names may be yours.

    \b
    Examples:
      advisor measurements export > mine.csv
      advisor measurements export --out mine.csv && advisor evaluate mine.csv
    """
    import sys

    from advisor.folder.write import replacing
    from advisor.measured.export import COLUMNS, exported
    from advisor.measured.store import kept_here

    rows, left_out = exported(kept_here().entries)
    if out is None:
        _write_rows(sys.stdout, rows)
    else:
        with replacing(out, overwrite=force, own=",".join(COLUMNS) + "\n") as file:
            _write_rows(file, rows)
    names = f"; {left_out} of models that the catalogue does not know are left out" if left_out else ""
    click.echo(f"{len(rows)} measurements{names}", err=True)


def _write_rows(file: TextIO, rows: Sequence[Mapping[str, object]]) -> None:
    import csv

    from advisor.measured.export import COLUMNS

    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


@command.command("forget")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--all", "everything", is_flag=True, help="All of them.")
def forget_(ids: tuple[str, ...], everything: bool) -> None:
    """Remove measurements by the beginning of their id; estimates are used again."""
    from advisor.errors import BadInput
    from advisor.measured.store import forget

    if bool(ids) == everything:
        raise BadInput("name the measurements to forget, or --all; `advisor measurements` lists them")
    for name in forget(ids):
        click.echo(f"forgotten: {name}")


def _show(entry: Measurement) -> None:
    from advisor.units import ms

    click.echo(f"{entry.id}  {entry.taken}")
    candidate = entry.candidate
    click.echo(f"  {entry.machine_text}")
    click.echo(
        f"  {entry.engine} {entry.engine_version}, {entry.model.hf_id} {candidate.weights_format}, "
        f"{candidate.max_in_flight} slots of {candidate.context_tokens} tokens"
    )
    for load in entry.loads:
        click.echo(
            f"    {load.in_flight:3g} in flight, {load.input_tokens:.0f} in, {load.output_tokens:.0f} out: "
            f"{load.output_tokens_per_s:8.1f} tokens/s, TTFT {ms(load.ttft_s)}, TPOT {ms(load.tpot_s)}"
        )

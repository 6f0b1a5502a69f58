"""`advisor measurements`: what was measured on this machine and is used instead of estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from advisor.measured.entries import Measurement


@click.group("measurements", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """What `advisor smoke` measured here, and what the advice uses instead of an estimate.

    \b
    Examples:
      advisor measurements
      advisor measurements list --json > measured.json    (for `--measurements measured.json` elsewhere)
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
        click.echo(f"Nothing was measured yet ({folder()}); `advisor smoke DIR` measures.")
    else:
        for entry in entries:
            _show(entry)


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

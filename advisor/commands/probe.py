"""`advisor probe`: what this machine has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from advisor.schema import Hardware


@click.command(name="probe")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the JSON to FILE as well.")
@click.option("--force", is_flag=True, help="Let --out replace a file with other content.")
@click.option("--gpu", metavar="TEXT", help='Describe a machine with these cards instead, for example "2x RTX 4090".')
@click.option(
    "--models-path",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where model files will lie [default: the engines' own stores].",
)
@click.option(
    "--measure",
    "measuring",
    is_flag=True,
    help="Also measure memory bandwidth and matrix rate (seconds), and keep them for the next advice.",
)
def command(
    as_json: bool, out: Path | None, force: bool, gpu: str | None, models_path: Path | None, measuring: bool
) -> None:
    """What this machine has: accelerators, memory, links, CPU, disk, drivers, container engine.

    The file that --out writes is what `advisor recommend --hardware` reads on another machine. It holds no
    serial numbers, UUIDs, host or user names.

    \b
    Examples:
      advisor probe
      advisor probe --out hw.json
      advisor probe --measure
      advisor probe --json | jq '.accelerators[].name'
      advisor probe --gpu "2x RTX 4090" --out two-4090.json

    \b
    Exit codes: 0 done, 2 bad input (FILE exists, unknown card), 3 the environment failed.
    """
    hardware = _hardware(gpu, models_path)
    if measuring:
        hardware = _measured(hardware)
    if out is not None:
        _write(hardware, out, force)
    if as_json:
        from advisor.wire import to_json

        click.echo(to_json(hardware), nl=False)
    else:
        _print(hardware)


def _hardware(gpu: str | None, models_path: Path | None) -> Hardware:
    if gpu is not None:
        from advisor.errors import BadInput
        from advisor.probe.simulate import simulate

        if models_path is not None:
            raise BadInput("--models-path and --gpu exclude each other: a machine that is only described has no disk")
        return simulate(gpu)
    from advisor.probe import probe

    return probe(models_path)


def _measured(hardware: Hardware) -> Hardware:
    """The machine with bandwidth and rates as they really are."""
    from advisor.errors import BadInput
    from advisor.measured.rates import keep_rates, with_kept_rates
    from advisor.probe.measure import measure

    if hardware.source != "probed":
        raise BadInput("--measure and --gpu exclude each other: only this machine can be measured")
    click.echo("measuring memory bandwidth and matrix rate ...", err=True)
    rates = measure(hardware.cpu)
    click.echo(f"{rates.method}; kept in {keep_rates(hardware, rates)}", err=True)
    return with_kept_rates(hardware)


def _write(hardware: Hardware, out: Path, force: bool) -> None:
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json

    write_atomically(out, to_json(hardware), overwrite=force)
    click.echo(f"wrote {out}", err=True)


def _print(hardware: Hardware) -> None:
    """Labels in a column of their own, text wrapped at the terminal's width, no blanks at line ends."""
    import textwrap

    from rich.text import Text

    from advisor.probe.describe import lines
    from advisor.report.console import console

    report = list(lines(hardware))
    indent = max(len(label) for label, _ in report) + 2
    shown = console(piped_width=None)
    for label, text in report:
        wrapped = textwrap.wrap(text, max(20, shown.width - indent), break_long_words=False) or [""]
        for number, part in enumerate(wrapped):
            title = label if number == 0 else ""
            shown.print(Text.assemble((title.ljust(indent), "bold"), part), soft_wrap=True)

"""`advisor probe`: what this machine has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from advisor.catalog import engine_names
from advisor.commands.accepting import Of
from advisor.commands.completing import CardNames, Place
from advisor.workload.names import Name

if TYPE_CHECKING:
    from advisor.schema import Hardware


@click.command(name="probe")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--out", type=Place(path_type=Path), metavar="FILE", help="Write the JSON to FILE as well.")
@click.option("--force", is_flag=True, help="Let --out replace a file with other content.")
@click.option(
    "--gpu",
    type=CardNames(),
    metavar="TEXT",
    help='Describe a machine with these cards instead, for example "2x RTX 4090".',
)
@click.option(
    "--models-path",
    type=Place(path_type=Path),
    metavar="DIR",
    help="Where model files will lie [default: the engines' own stores].",
)
@click.option(
    "--measure",
    "measuring",
    is_flag=True,
    help="Also measure the processor and the engine that is here (about two minutes), and keep it for the next advice.",
)
@click.option(
    "--engine",
    type=Of(Name(names=engine_names)),
    metavar="NAME",
    help="With --measure: which engine [default: what runs, else is installed].",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="With --measure: a model, more than once for several [default: up to two sizes that are there].",
)
@click.option("--budget", default="120s", show_default=True, metavar="TIME", help="With --measure: time for the loads.")
@click.option("--yes", is_flag=True, help="With --measure: download a small model without asking where none is there.")
def command(
    as_json: bool,
    out: Path | None,
    force: bool,
    gpu: str | None,
    models_path: Path | None,
    measuring: bool,
    engine: str | None,
    models: tuple[str, ...],
    budget: str,
    yes: bool,
) -> None:
    """What this machine has: accelerators, memory, links, CPU, disk, drivers, container engine.

    The file that --out writes is what `advisor recommend --hardware` reads on another machine. It holds no
    serial numbers, UUIDs, host or user names.

    --measure drives an engine for about two minutes: a few single streams, two batch sizes, one long prompt. From that
    follow the constants that differ per machine, and every later prediction for any model here uses them (basis
    "measured here"; `--measurements none` leaves them out). An engine that runs already is used and goes on; one
    that is installed is started and stopped. Ctrl-C keeps the loads that are whole. Two models of different
    sizes tell what a step costs in itself from what its bytes cost; one tells less.

    \b
    Examples:
      advisor probe
      advisor probe --out hw.json
      advisor probe --measure
      advisor probe --measure --engine ollama --model qwen2.5:0.5b --model qwen2.5:3b --budget 3m
      advisor probe --json | jq '.accelerators[].name'
      advisor probe --gpu "2x RTX 4090" --out two-4090.json

    \b
    Exit codes: 0 done, 2 bad input (FILE exists, unknown card), 3 the environment failed (with --measure:
    no engine is here, or it does not start), 130 Ctrl-C.
    """
    budget_s = _budget(measuring, budget)
    hardware = _hardware(gpu, models_path)
    if measuring:
        from advisor.commands.probe_measure import measure_processor

        hardware = measure_processor(hardware)
    if out is not None:
        _write(hardware, out, force)
    if as_json:
        from advisor.wire import to_json

        click.echo(to_json(hardware), nl=False)
    else:
        _print(hardware)
    if measuring:
        from advisor.commands.probe_measure import measure_engine

        measure_engine(hardware, engine, models, budget_s, yes)


def _budget(measuring: bool, budget: str) -> float:
    """The time for the loads, in seconds.

    Raises:
        BadInput: it is no time, or an option of --measure stands without it.
    """
    from advisor.commands.probe_measure import LEAST_S, MOST_S
    from advisor.commands.typed import refuse
    from advisor.edge.times import duration

    if not measuring:
        refuse(("engine", "models", "budget", "yes"), "it says what --measure runs: give --measure as well")
    return duration(budget, "--budget", LEAST_S, MOST_S)


def _hardware(gpu: str | None, models_path: Path | None) -> Hardware:
    if gpu is not None:
        from advisor.errors import BadInput
        from advisor.probe.simulate import simulate

        if models_path is not None:
            raise BadInput(
                "--models-path and --gpu exclude each other: a machine that is only described has no disk",
                drop=("--models-path",),
            )
        return simulate(gpu)
    from advisor.probe import probe

    return probe(models_path)


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
    from advisor.report.styled import console

    report = list(lines(hardware))
    indent = max(len(label) for label, _ in report) + 2
    shown = console()
    for label, text in report:
        wrapped = textwrap.wrap(text, max(20, shown.width - indent), break_long_words=False) or [""]
        for number, part in enumerate(wrapped):
            title = label if number == 0 else ""
            shown.print(Text.assemble((title.ljust(indent), "bold"), part), soft_wrap=True)

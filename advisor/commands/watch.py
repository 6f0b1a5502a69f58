"""`advisor watch`: a running engine observed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from advisor.commands.completing import CardNames, Place
from advisor.commands.options import option
from advisor.workload.keys import OF_WORKLOAD


@click.command("watch")
@click.argument("target", metavar="URL|DIR")
@click.option("--for", "watch_for", metavar="10m", help="For how long; without it, until Ctrl-C.")
@click.option("--every", default="1s", show_default=True, metavar="1s", help="Between two looks.")
@option(OF_WORKLOAD["ttft_ms"])
@option(OF_WORKLOAD["tpot_ms"])
@option(OF_WORKLOAD["input_tokens"])
@option(OF_WORKLOAD["output_tokens"])
@click.option(
    "--map", "mapped", metavar="MODEL", help="Which model it serves, for the crossover, where its name does not say."
)
@click.option("--gpu", type=CardNames(), metavar="TEXT", help="The cards of its machine, where that is another one.")
@click.option(
    "--hardware",
    type=Place(path_type=Path, dir_okay=False),
    help="Its machine, as `advisor probe --out` recorded it.",
)
@click.option(
    "--lines", "as_lines", is_flag=True, help="A JSON object a look, as they come; the last line is the whole."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document at the end on standard output, nothing else.")
def command(target: str, watch_for: str | None, every: str, as_lines: bool, as_json: bool, **options: Any) -> int:
    """A running Ollama or vLLM observed: who is served and who waits, what each person gets, when targets break at
    the present trend, when the crossover is reached, and what is wrong with it: evidence, cause, flag.

    TARGET is where it answers, or the folder of a deployment or a migration (then its plan, targets and gateway are
    known). It goes on until Ctrl-C, or as long as --for says. Nothing of the engine is changed, no text is read.
    Ollama has no metrics: its slots are seen on its own machine, who waits is seen by a gateway in front of it.

    \b
    Examples:
      advisor watch http://127.0.0.1:11434
      advisor watch deploy --for 10m
      advisor watch http://127.0.0.1:8000 --ttft-ms 2000 --tpot-ms 100 --for 1h --json
      advisor watch deploy --lines | jq .waiting

    \b
    Exit codes: 0 seen, 1 a target is broken or something was found wrong,
    2 bad input, 3 nobody answers, or not any more (what was seen until then is said).
    """
    from advisor.commands.watching import Shown, begun, ended
    from advisor.edge.times import duration
    from advisor.errors import BadInput
    from advisor.watch.document import step_data, summary

    if as_lines and as_json:
        raise BadInput("--lines and --json exclude each other: many documents, or one", drop=("--json",))
    seconds = duration(watch_for, "--for") if watch_for else None
    found, views = begun(target, options, seconds, duration(every, "--every"))
    last = None
    with Shown(found, quiet=as_lines or as_json) as shown:
        try:
            for last in views:
                if last.gone:
                    break
                if as_lines:
                    click.echo(json.dumps(step_data(last), ensure_ascii=False))
                shown.show(last)
        except KeyboardInterrupt:
            pass
    if last is None:
        raise click.exceptions.Abort
    if as_lines or as_json:
        click.echo(
            json.dumps(summary(last, found), indent=None if as_lines else 2, ensure_ascii=False, allow_nan=False)
        )
    return ended(last)

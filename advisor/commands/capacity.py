"""`advisor capacity`: how many this machine serves within the targets."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from advisor.commands.heard import any_load
from advisor.commands.measured import measurements_option
from advisor.commands.options import Grouped, load_options

_HELP = """How many users this machine serves within the targets, by engine, and what stops it there.

    \b
    Examples:
      advisor capacity --model Qwen/Qwen2.5-7B-Instruct
      advisor capacity --gpu "2x RTX 4090" --model Qwen/Qwen2.5-7B-Instruct --tpot-ms 50
      advisor capacity --gpu H100 --model meta-llama/Llama-3.1-8B-Instruct --context-tokens 8192 --json

    \b
    Exit codes: 0 at least one engine serves somebody, 1 none does,
    2 bad input, 3 the environment failed.
"""


@click.command("capacity", cls=Grouped, help=_HELP)
@partial(load_options, told=any_load)
@measurements_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(
    profile: str | None, gpu: str | None, hardware: Path | None, measurements: str | None, as_json: bool, **options: Any
) -> int:
    """Ask each engine for one more until it says no."""
    from advisor.commands.progress import patient
    from advisor.commands.sizing import here
    from advisor.errors import EXIT_NO, EXIT_YES
    from advisor.report.capacity import capacity_document, capacity_lines
    from advisor.sizing.capacity import served

    with patient() as progress:
        question, because = here(profile, options, gpu, hardware, measurements)
        found = served(question, progress)
    if as_json:
        told = capacity_document(found, question, because)
        click.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from advisor.report.console import show
        from advisor.report.screen import screen

        show(capacity_lines(found, question, screen().columns, because))
    return EXIT_YES if any(each.plan for each in found) else EXIT_NO

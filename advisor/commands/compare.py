"""`advisor compare A B …`: plans, cards, models, formats or engines under one load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from advisor.commands.completing import Named, comparable
from advisor.commands.costing import cost_options, taken
from advisor.commands.measured import measurements_option
from advisor.commands.options import Grouped, load_options

_HELP = """Plans, cards, models, weights formats or engines side by side under one load.

    \b
    Examples:
      advisor compare "RTX 3090" "2x RTX 3090" "RTX 5090" --model Qwen/Qwen2.5-7B-Instruct --users 40
      advisor compare bf16 fp8 awq-int4 --gpu "RTX 4090" --model Qwen/Qwen2.5-7B-Instruct
      advisor compare deploy other-deploy --users 80

    \b
    Exit codes: 0 at least one meets the targets, 1 none does,
    2 bad input, 3 the environment failed.
"""


@click.command("compare", cls=Grouped, help=_HELP)
@click.argument("names", metavar="A B ...", nargs=-1, type=Named(comparable))
@load_options
@measurements_option
@cost_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(
    names: tuple[str, ...],
    profile: str | None,
    gpu: str | None,
    hardware: Path | None,
    measurements: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Ask the same of each, and show the answers side by side."""
    from advisor.commands.comparing import compared
    from advisor.commands.progress import patient
    from advisor.commands.terms import terms_of
    from advisor.errors import EXIT_NO, EXIT_YES
    from advisor.report.compared import compare_document, compare_lines

    terms = terms_of(taken(options))
    with patient() as progress:
        found = compared(
            names, profile=profile, overrides=options, gpu=gpu, hardware_file=hardware, measurements=measurements,
            progress=progress,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(compare_document(found, terms), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from advisor.report.console import show
        from advisor.report.screen import screen

        show(compare_lines(found, terms, screen().columns))
    return EXIT_YES if any(each.answer.verdict.meets_targets for each in found) else EXIT_NO

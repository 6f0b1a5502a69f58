"""`advisor explain ID`: a rule, a setting or a figure."""

from __future__ import annotations

import click

from advisor.commands.completing import Named, ids


@click.command("explain", context_settings={"ignore_unknown_options": True})  # a setting's name begins with dashes
@click.argument("name", metavar="ID", type=Named(ids))
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def command(name: str, as_json: bool) -> int:
    """Say what stands behind ID: a rule, a setting, a figure, a weights format, or a claim that people repeat.

    \b
    Examples:
      advisor explain FIT101
      advisor explain --max-num-seqs
      advisor explain crossover_in_flight
      advisor explain claim-same-api
    """
    from advisor.report.explain import explain

    entry = explain(name)
    if as_json:
        import json

        click.echo(json.dumps(entry, indent=2, ensure_ascii=False))
        return 0
    from rich.text import Text

    from advisor.report.console import show
    from advisor.report.layout import columns
    from advisor.report.screen import screen

    show(columns([(Text(key, style="bold"), str(item)) for key, item in entry.items()], screen().columns))
    return 0

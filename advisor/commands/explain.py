"""`advisor explain ID`: a rule, a setting or a figure."""

from __future__ import annotations

import click


@click.command("explain", context_settings={"ignore_unknown_options": True})  # a setting's name begins with dashes
@click.argument("name", metavar="ID")
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
    from rich.table import Table
    from rich.text import Text

    from advisor.report.console import show

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, item in entry.items():
        table.add_row(key, Text(str(item)))
    show([table])
    return 0

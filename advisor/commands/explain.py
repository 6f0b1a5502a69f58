"""`advisor explain ID`: a rule, a setting or a figure."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def command(name: str, as_json: bool) -> int:
    """Say what stands behind ID: a rule (FIT101), a setting (--max-num-seqs), a figure (ttft_s) or a format (q4_K_M).

    \b
    Examples:
      advisor explain FIT101
      advisor explain OLLAMA_NUM_PARALLEL
      advisor explain crossover_in_flight
    """
    from advisor.explain import explain

    entry = explain(name)
    if as_json:
        import json

        click.echo(json.dumps(entry, indent=2, ensure_ascii=False))
        return 0
    from rich.table import Table
    from rich.text import Text

    from advisor.report.console import console

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for key, item in entry.items():
        table.add_row(key, Text(str(item)))
    console().print(table)
    return 0

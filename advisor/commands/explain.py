"""`advisor explain ID`: a rule, a setting or a figure; or all of a kind as a page."""

from __future__ import annotations

import click

from advisor.commands.accepting import one_of
from advisor.commands.completing import Named, ids

_KINDS = ("rules", "figures", "settings", "formats", "claims")


@click.command("explain", context_settings={"ignore_unknown_options": True})  # a setting's name begins with dashes
@click.argument("name", metavar="[ID]", type=Named(ids), required=False)
@click.option("--all", "kind", type=one_of(*_KINDS), help="All entries of a kind, as a page of Markdown.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def command(name: str | None, kind: str | None, as_json: bool) -> int:
    """Say what stands behind ID: a rule, a setting, a figure, a weights format, or a claim that people repeat.

    \b
    Examples:
      advisor explain FIT101
      advisor explain --max-num-seqs
      advisor explain crossover_in_flight
      advisor explain claim-same-api
      advisor explain --all figures
    """
    if (name is None) == (kind is None) or (kind and as_json):
        raise click.UsageError("one ID, or --all with a kind (a page of Markdown)\ntype: advisor explain --all rules")
    if kind is not None:
        from advisor.report.reference import reference

        click.echo(reference(kind), nl=False)
        return 0
    return _show(str(name), as_json)


def _show(name: str, as_json: bool) -> int:
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

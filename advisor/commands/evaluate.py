"""`advisor evaluate`: your own measurements against the predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from advisor.commands.completing import Place

if TYPE_CHECKING:
    from advisor.evaluate import Compared, Summary

TITLES = {"output_tok_s": "output rate", "ttft_ms": "time to first token", "tpot_ms": "time per output token"}

_HELP = """Compare measured results with predictions: error by engine, card class, format and load.

    \b
    MEASUREMENTS is a CSV with the columns of the calibration data; needed are engine, gpu, model and one of
    output_tok_s_total, ttft_ms_mean_or_p50, tpot_ms_mean_or_p50. More columns make the prediction sharper:
    engine_version, gpu_count, tp, pp, quantization, measurement (serving, offline_throughput, single_stream, ...),
    concurrency, request_rate, input_tokens_mean, output_tokens_mean, slots, num_prompts, power_limit_watts, tpot_stat
    ("p50 ITL" or "1000/tg" in it: that column is a median gap or the rate again, and is not compared as TPOT).

    \b
    Examples:
      advisor evaluate measurements.csv
      advisor evaluate measurements.csv --html errors.html
      advisor evaluate measurements.csv --json

    \b
    Exit codes: 0 compared, 2 the file cannot be read or lacks a column, 3 cannot write.
"""


@click.command("evaluate", help=_HELP)
@click.argument("measurements", type=Place(path_type=Path))
@click.option("--html", type=Place(path_type=Path, dir_okay=False), help="Write a page with a plot here.")
@click.option("--force", is_flag=True, help="Let --html replace a file that is no page of advisor.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(measurements: Path, html: Path | None, force: bool, as_json: bool) -> int:
    """Join, sum up, show."""
    from advisor.edge.reading import not_itself
    from advisor.evaluate import compare, read_measurements

    if html:
        not_itself(measurements, html, "--html")
    compared = compare(read_measurements(measurements))
    judged = [one for one in compared if one.measured.usable]
    tables = _tables(judged)
    if html:
        _write_page(html, force, judged, tables, measurements.name)
    if as_json:
        click.echo(json.dumps(_document(compared, judged, tables), ensure_ascii=False, allow_nan=False))
    else:
        _print(compared, judged, tables)
    return 0


def _tables(judged: Sequence[Compared]) -> dict[str, list[Summary]]:
    """Every figure by every grouping that has rows."""
    from advisor.evaluate import BY, FIGURES, summaries, summary

    found = {}
    for figure in FIGURES:
        known = [one for one in judged if one.log_error(figure) is not None]
        if known:
            found[f"{TITLES[figure]}: all"] = [summary("all rows", known, figure)]
            found.update({f"{TITLES[figure]} by {name}": summaries(known, key, figure) for name, key in BY.items()})
    return found


def _write_page(
    path: Path, force: bool, judged: Sequence[Compared], tables: Mapping[str, Sequence[Summary]], name: str
) -> None:
    from advisor.folder.write import replacing
    from advisor.report.html import FIRST_LINE, evaluate_page

    with replacing(path, overwrite=force, own=FIRST_LINE) as file:
        file.write(evaluate_page(judged, tables, name))


def _document(
    compared: Sequence[Compared], judged: Sequence[Compared], tables: Mapping[str, Sequence[Summary]]
) -> dict[str, object]:
    return {
        "schema_version": 1,
        "rows": len(compared),
        "judged": len(judged),
        "unsupported": [
            {"id": one.measured.id, "reason": one.predicted.reason} for one in compared if not one.predicted.supported
        ],
        "errors": {name: [row._asdict() for row in rows] for name, rows in tables.items()},
    }


def _print(compared: Sequence[Compared], judged: Sequence[Compared], tables: Mapping[str, Sequence[Summary]]) -> None:
    refused = [one for one in compared if not one.predicted.supported]
    click.echo(f"{len(compared)} rows: {len(judged)} judged, {len(refused)} without a prediction.")
    for one in refused[:5]:
        click.echo(f"  {one.measured.id}: {one.predicted.reason}")
    for name, rows in tables.items():
        click.echo(f"\n{name:<44}{'rows':>6}{'error':>8}{'signed':>8}{'in range':>10}")
        for row in rows:
            inside = "" if row.inside is None else f"{row.inside:.0%}"
            click.echo(f"  {row.name[:40]:<42}{row.rows:>6}{row.absolute:>8.0%}{row.signed:>+8.0%}{inside:>10}")

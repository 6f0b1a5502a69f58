"""`advisor report`: a plan as one page to look at and to hand to a reviewer."""

from __future__ import annotations

from pathlib import Path

import click

from advisor.commands.completing import Place, PlanFile
from advisor.commands.measured import measurements_option


@click.command("report")
@click.argument("where", metavar="DIR|PLAN.json", type=PlanFile(path_type=Path))
@click.option(
    "--out",
    type=Place(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The page.",
)
@click.option("--force", is_flag=True, help="Replace a file that is no page of advisor.")
@measurements_option
@click.option("--json", "as_json", is_flag=True, help="Where the page is and what it says, as JSON.")
def command(where: Path, out: Path, force: bool, measurements: str | None, as_json: bool) -> int:
    """Write one HTML file about a plan: verdict, charts with ranges, memory, reasons, settings, checklist.

    It needs no network and no scripts, prints, and holds plan.json. Of a folder it also shows what the last
    `advisor check` and `advisor smoke` found there.

    \b
    Examples:
      advisor report deploy
      advisor report deploy --out review.html
      advisor report plan.json --out report.html --force

    \b
    Exit codes: 0 written, 2 bad input (no or a broken plan.json, another's file in the way),
    3 the environment failed.
    """
    from advisor.commands.progress import patient
    from advisor.edge.reading import is_folder, not_itself
    from advisor.folder.saved import plan_in, read_plan
    from advisor.folder.write import replacing
    from advisor.measured.store import measurements_from
    from advisor.report.again import answer_of
    from advisor.report.html import FIRST_LINE, report_page
    from advisor.report.results import Results, results_in

    folder = where if is_folder(where) else None
    for source in (where / "plan.json",) if folder else (where,):
        not_itself(source, out, "--out")
    plan = plan_in(folder) if folder else read_plan(where)
    results = results_in(folder) if folder else Results()
    with patient() as progress:
        answer, note = answer_of(plan, measurements_from(measurements), progress)
    with replacing(out, overwrite=force, own=FIRST_LINE) as file:
        file.write(report_page(answer, plan, note, results))
    if as_json:
        import json

        verdict = {"engine": answer.verdict.engine, "meets_targets": answer.verdict.meets_targets, "note": note}
        click.echo(json.dumps({"schema_version": 1, "report": str(out), **verdict}, ensure_ascii=False))
    else:
        click.echo(f"written to {out}" + (f"\n{note}" if note else ""))
    return 0

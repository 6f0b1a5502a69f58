"""`advisor check`: the checklist of a deployment folder, run on this host."""

from __future__ import annotations

from pathlib import Path

import click

from advisor.commands.accepting import one_of
from advisor.commands.completing import PlanFile


@click.command("check")
@click.argument("folder", metavar="DIR", type=PlanFile(path_type=Path, file_okay=False))
@click.option(
    "--target",
    type=one_of("auto", "native", "compose", "systemd", "quadlet", "kubernetes"),
    default="auto",
    show_default=True,
    help="The way it will be run; auto: the plan's own way, of two that whose program is installed.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(folder: Path, target: str, as_json: bool) -> int:
    """Run the checklist of DIR on this host: pass, fail, or skipped with the reason. Changes nothing of it.

    The commands are those of CHECKLIST.md, made again from plan.json's facts; neither file's text is executed.
    The result is left in DIR/check/report.json for `advisor report`, where the folder takes it.
    What no command can see is listed for a person. Run it before the start, and again while the service runs.

    \b
    Examples:
      advisor check deploy
      advisor check deploy --target compose
      advisor check deploy --json | jq '.lines[] | select(.status == "fail")'

    \b
    Exit codes: 0 nothing failed, 1 something failed, 2 bad input (no or a broken plan.json),
    3 the environment failed.
    """
    from advisor.check import check_folder
    from advisor.check.show import document, text
    from advisor.commands.progress import patient
    from advisor.folder.saved import plan_in
    from advisor.report.results import keep_check
    from advisor.smoke.unplanned import unplanned

    with patient() as progress:
        report = check_folder(folder, target, progress)
    keep_check(report, folder)
    for each in unplanned(plan_in(folder)):
        click.echo(f"before you start it: {each}", err=True)
    if as_json:
        import json

        click.echo(json.dumps(document(report), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        click.echo(text(report))
    return report.exit_code

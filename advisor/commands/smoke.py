"""`advisor smoke`: start what was rendered, drive it, compare it with the prediction, stop it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from advisor.commands.accepting import Of
from advisor.commands.completing import PlanFile
from advisor.commands.measured import measurements_option
from advisor.commands.runner import runner_option
from advisor.workload.kinds import Number

if TYPE_CHECKING:
    from advisor.schema import Plan
    from advisor.smoke.outcome import SmokeReport


@click.command("smoke")
@click.argument("folder", metavar="DIR", type=PlanFile(path_type=Path, file_okay=False))
@runner_option
@click.option("--in-flight", metavar="N,N,...", help="Loads to run [default: 1, half, planned and double].")
@click.option(
    "--seconds",
    type=Of(Number(least=1, most=3600), "seconds"),
    default=45.0,
    show_default=True,
    help="Time for each load.",
)
@click.option("--no-load", is_flag=True, help="Only one request of each kind.")
@click.option("--ramp", is_flag=True, help="Also find the highest load that meets the targets.")
@click.option(
    "--prefix-cached", is_flag=True, help="Run each load once more, with what is history in its prompts read before."
)
@click.option("--seed", default="advisor", show_default=True, help="Of the prompts.")
@click.option("--no-keep", is_flag=True, help="Do not keep the measurement for the next advice.")
@measurements_option
@click.option("--trust-files", is_flag=True, help="Run the folder's files though they are not what plan.json gives.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(
    folder: Path,
    runner: str,
    in_flight: str | None,
    seconds: float,
    no_load: bool,
    ramp: bool,
    prefix_cached: bool,
    seed: str,
    no_keep: bool,
    measurements: str | None,
    trust_files: bool,
    as_json: bool,
) -> int:
    """Start the deployment in DIR on the real engine, drive it with the planned load, compare, stop it.

    Writes DIR/smoke/report.json, report.md and report.html. What was started is stopped whatever happens, Ctrl-C
    included.
    The measurement is kept (see `advisor measurements`), and the next advice for this machine uses it.

    The folder's scripts are run, so they must be what plan.json renders; a changed file, an override file beside
    compose.yaml, code in .env or engine.env, and a plan that runs a repository's Python or names an image or address
    of its own need --trust-files.

    Through Compose, images that are missing are fetched, an override file beside compose.yaml counts, containers and
    network are removed afterwards, and volumes (downloaded weights) stay.

    \b
    Examples:
      advisor smoke deploy
      advisor smoke deploy --in-flight 1,4,16 --seconds 30
      advisor smoke deploy --runner compose --no-load --json

    \b
    Exit codes: 0 all passed, 1 something failed, 2 bad input,
    3 the environment failed (port taken, engine did not start, ...), 130 Ctrl-C.
    """
    from advisor.commands.typed import refuse
    from advisor.folder.saved import plan_in
    from advisor.folder.write import write_atomically
    from advisor.measured.store import measurements_from
    from advisor.report.html import smoke_page
    from advisor.smoke.display import Screen
    from advisor.smoke.job import Options
    from advisor.smoke.report import write
    from advisor.smoke.run import smoke
    from advisor.smoke.runners import runner_for

    if no_load:
        refuse(("in_flight", "seconds", "ramp", "prefix_cached"), "--no-load leaves out what it is about")
    plan = plan_in(folder)
    options = Options(
        levels=_levels(in_flight), seconds_per_level=seconds, load=not no_load, ramp=ramp, seed=seed,
        trust_files=trust_files, prefix_cached=prefix_cached,
    )  # fmt: skip

    def save(report: SmokeReport) -> None:
        write(report, folder)
        write_atomically(folder / "smoke" / "report.html", smoke_page(report), overwrite=True)

    known = measurements_from(measurements)
    report = smoke(
        plan, folder, runner_for(runner, plan, folder), options, Screen(), on_interrupt=save, measurements=known
    )
    save(report)
    if report.loads and not no_keep:
        click.echo(_kept(plan, report), err=True)
    _show(report, folder, as_json)
    return report.exit_code


def _kept(plan: Plan, report: SmokeReport) -> str:
    """Keep what was measured for the next advice, and say where."""
    from advisor.measured.store import keep
    from advisor.smoke.keeping import measurement

    found = measurement(plan, report)
    if found is None:
        return "no measurement kept: errors, too few requests, or other programs took much of the processor"
    return f"measurement kept in {keep(found)}"


def _levels(text: str | None) -> tuple[int, ...]:
    from advisor.edge.terminal import shown
    from advisor.errors import BadInput
    from advisor.workload.kinds import NotAccepted, Whole

    if text is None:
        return ()
    level = Whole(least=1, most=1024)
    try:
        levels = tuple(level.read(word) for word in text.replace(",", " ").split())
    except NotAccepted:
        levels = ()
    if not levels:
        raise BadInput(f"--in-flight: {shown(text)} is not a list of whole numbers from 1 to 1024, such as 1,4,16")
    return levels


def _show(report: SmokeReport, folder: Path, as_json: bool) -> None:
    if as_json:
        import json

        from advisor.smoke.report import document

        click.echo(json.dumps(document(report), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from advisor.smoke.report import markdown

    text = markdown(report)
    start = text.find("## Load")
    if start >= 0:
        click.echo(text[start:])
    click.echo(f"{'passed' if report.passed else 'failed'}: {folder / 'smoke' / 'report.md'}")

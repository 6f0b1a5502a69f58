"""`advisor tune`: settings that the model is least sure of, tried on the real engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from advisor.commands.completing import PlanFile
from advisor.commands.measured import measurements_option
from advisor.commands.runner import runner_option

if TYPE_CHECKING:
    from advisor.measured.correction import Measurements
    from advisor.schema import Plan
    from advisor.tune.outcome import TuneReport

_LEAST_S, _MOST_S = 20.0, 86_400.0
_INTERRUPTED = 130


@click.command("tune")
@click.argument("folder", metavar="DIR", type=PlanFile(path_type=Path, file_okay=False))
@click.option("--budget", default="10m", show_default=True, metavar="DURATION", help="Time for everything.")
@click.option(
    "--ramp", is_flag=True, help="Judge by the highest load within the targets, not by what the planned load gets."
)
@runner_option
@click.option("--seed", default="advisor", show_default=True, help="Of the prompts.")
@click.option("--dry-run", is_flag=True, help="Say what would be tried, most promising first, and start nothing.")
@click.option("--no-keep", is_flag=True, help="Do not keep the measurements for the next advice.")
@measurements_option
@click.option("--trust-files", is_flag=True, help="Go on though the folder's files are not what plan.json gives.")
@click.option("--force", is_flag=True, help="Replace files that were changed by hand (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(
    folder: Path,
    budget: str,
    ramp: bool,
    runner: str,
    seed: str,
    dry_run: bool,
    no_keep: bool,
    measurements: str | None,
    trust_files: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Try the settings of DIR that the model is least sure of on the real engine, and keep what is better beyond noise.

    Every trial is a deployment of its own: its engine is started with one setting changed, driven with the planned
    load, and stopped. The better half of them is driven for longer; the last one takes turns with the plan as it is.
    Only what wins all turns by more than noise goes into the plan, its settings marked "measured here", and DIR is
    written anew; else DIR stays as it is. Nothing that changes what the model answers is tried.

    Ctrl-C stops what runs and keeps the best so far, where it is ahead by more than noise.

    \b
    Examples:
      advisor tune deploy
      advisor tune deploy --budget 30m --json
      advisor tune deploy --dry-run

    \b
    Exit codes: 0 done, whether or not anything was better, 2 bad input,
    3 the environment failed (engine did not start, ...), 130 Ctrl-C.
    """
    from advisor.edge.times import duration
    from advisor.folder.saved import plan_in
    from advisor.measured.store import keep, measurements_from
    from advisor.smoke.display import Screen
    from advisor.smoke.trust import require_ours
    from advisor.tune.run import tune
    from advisor.tune.trial import Looks

    budget_s = duration(budget, "--budget", _LEAST_S, _MOST_S)
    plan, known = plan_in(folder), measurements_from(measurements)
    if not trust_files:
        require_ours(plan, folder)
    if dry_run:
        return _offered(plan, known, as_json)
    looks = Looks(folder=folder, runner=runner, progress=Screen(), ramp=ramp, seed=seed)
    tuned, report, measured = tune(plan, looks, budget_s, known)
    for each in () if no_keep else measured:
        click.echo(f"measurement kept in {keep(each)}", err=True)
    if report.better:
        report = _written(folder, tuned, report, force)
    _show(report, folder, as_json)
    return _INTERRUPTED if report.interrupted else 0


def _offered(plan: Plan, known: Measurements, as_json: bool) -> int:
    """What would be tried."""
    import json

    from advisor.tune.knobs import trials
    from advisor.tune.run import refuse

    refuse(plan)
    found = trials(plan, known)
    if as_json:
        click.echo(json.dumps([{"name": each.name, "upside": each.upside} for each in found], indent=2))
    else:
        for each in found:
            click.echo(f"{each.name}: up to {each.upside - 1:+.0%} as the prediction has it, as unsure as it is")
        if not found:
            click.echo("nothing: no change of a setting could be better, as unsure as the prediction is")
    return 0


def _written(folder: Path, tuned: Plan, report: TuneReport, force: bool) -> TuneReport:
    """The folder anew, as a whole."""
    from dataclasses import replace

    from advisor.folder.write import write_tree
    from advisor.pipeline import files_of
    from advisor.smoke.runners.signals import undisturbed

    with undisturbed():
        done = write_tree(folder, files_of(tuned), overwrite=force)
    return replace(report, written=done.written)


def _show(report: TuneReport, folder: Path, as_json: bool) -> None:
    from advisor.tune.outcome import lines
    from advisor.wire import to_json

    if as_json:
        click.echo(to_json(report), nl=False)
        return
    for line in lines(report):
        click.echo(line)
    if report.written:
        click.echo(f"written to {folder}; `advisor plan diff {folder}/plan.before.json {folder}` shows what changed")

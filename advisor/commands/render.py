"""`advisor render`: the files again from a saved plan."""

from __future__ import annotations

from pathlib import Path

import click

from advisor.commands.completing import Place, PlanFile
from advisor.commands.options import KeyType
from advisor.workload.keys import OF_WORKLOAD


@click.command("render")
@click.argument("plan_file", metavar="PLAN.json", type=PlanFile(path_type=Path, dir_okay=False))
@click.option("--out", type=Place(path_type=Path, file_okay=False), help="Folder for the files: PLAN.json's own.")
@click.option("--run", type=KeyType(OF_WORKLOAD["run"]), help="Add this way to run it; the plan remembers.")
@click.option("--force", is_flag=True, help="Replace files that were changed by hand (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="The list of files as JSON.")
def command(plan_file: Path, out: Path | None, run: str | None, force: bool, as_json: bool) -> int:
    """Render the deployment folder of PLAN.json again: the same plan always gives the same files.

    \b
    Examples:
      advisor render deploy/plan.json
      advisor render deploy/plan.json --run kubernetes
      advisor render plan.json --out /srv/llm --force
    """
    from advisor.folder.saved import read_plan
    from advisor.folder.write import write_tree
    from advisor.pipeline import files_of
    from advisor.plan import with_way
    from advisor.smoke.unplanned import unplanned

    plan, folder = read_plan(plan_file), out or plan_file.parent
    files = files_of(with_way(plan, run) if run else plan)
    write_tree(folder, files, overwrite=force)
    for each in unplanned(plan):
        click.echo(f"before you start it: {each}", err=True)
    if as_json:
        import json

        click.echo(json.dumps({"folder": str(folder), "files": [file.path for file in files]}, indent=2))
    else:
        click.echo(f"written to {folder}: {', '.join(file.path for file in files)}")
    return 0

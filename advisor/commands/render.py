"""`advisor render`: the files again from a saved plan."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("render")
@click.argument("plan_file", metavar="PLAN.json", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the files.")
@click.option("--force", is_flag=True, help="Replace files that were changed by hand (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="The list of files as JSON.")
def command(plan_file: Path, out: Path, force: bool, as_json: bool) -> int:
    """Render the deployment folder of PLAN.json again: the same plan always gives the same files.

    \b
    Examples:
      advisor render deploy/plan.json --out deploy
      advisor render plan.json --out /srv/llm --force
    """
    from advisor.folder.saved import read_plan
    from advisor.folder.write import write_tree
    from advisor.pipeline import files_of

    files = files_of(read_plan(plan_file))
    write_tree(out, files, overwrite=force)
    if as_json:
        import json

        click.echo(json.dumps({"folder": str(out), "files": [file.path for file in files]}, indent=2))
    else:
        click.echo(f"written to {out}: {', '.join(file.path for file in files)}")
    return 0

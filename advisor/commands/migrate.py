"""`advisor migrate`: from a running engine to the other one, side by side, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from advisor.catalog import engine_names
from advisor.commands.accepting import one_of
from advisor.commands.completing import Place
from advisor.commands.measured import measurements_option
from advisor.commands.options import Grouped, load_options


@click.command("migrate", cls=Grouped)
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "--to",
    "target",
    type=one_of(*engine_names()),
    help="The other engine; default: the one that does not serve now.",
)
@click.option("--only", multiple=True, metavar="NAME", help="This model alone; may stand several times.")
@click.option(
    "--map", "pairs", multiple=True, metavar="NAME=MODEL", help="Which checkpoint a model is: a Hub id or a folder."
)
@click.option("--watch", "watch_for", metavar="10m", help="Look at its load for that long, and plan for it.")
@click.option("--compare", "compare_folder", type=Place(path_type=Path, file_okay=False), metavar="DIR",
              help="Ask both engines of a migration folder the same prompts instead.")  # fmt: skip
@click.option(
    "--prompts",
    type=Place(path_type=Path, dir_okay=False),
    help="For --compare: one a line; default DIR/prompts.txt.",
)
@load_options
@measurements_option
@click.option(
    "--out",
    type=Place(path_type=Path, file_okay=False),
    default=Path("migration"),
    show_default=True,
    help="Where the stack is written.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--force", is_flag=True, help="Replace files that you changed (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(url: str | None, compare_folder: Path | None, prompts: Path | None, as_json: bool, **options: Any) -> int:
    """From a running Ollama to vLLM for the same models, or the other way: what each model becomes, a stack in
    which both stand side by side behind one gateway, the steps, and the way back.

    URL is where the engine answers (default http://127.0.0.1:11434). Nothing of it is changed. The plans are made for
    the load of --watch, else for what the other options say, on this machine (or --gpu, --hardware).

    \b
    Examples:
      advisor migrate
      advisor migrate http://127.0.0.1:11434 --watch 10m --out migration
      advisor migrate --only llama3.1:8b --users 50 --gpu "RTX 4090"
      advisor migrate --map my-model=Qwen/Qwen2.5-7B-Instruct
      advisor migrate http://gpu-box:8000 --to ollama --users 1
      advisor migrate --compare migration

    \b
    Exit codes: 0 every model has a plan that meets its targets (--compare: every answer came), 1 not,
    2 bad input, 3 the environment failed (nobody answers, cannot write).
    """
    from advisor.errors import EXIT_NO, EXIT_YES, BadInput

    if compare_folder is not None:
        if url is not None:
            raise BadInput(f"--compare reads which engines to ask from {compare_folder}; leave {url} out")
        return _compare(compare_folder, prompts, as_json)
    if prompts is not None:
        raise BadInput("--prompts is for --compare DIR")
    from advisor.commands.migrating import migrated, written

    dry_run, out, force = (options.pop(name) for name in ("dry_run", "out", "force"))
    site, files = migrated(url, out, options)
    if not dry_run:
        written(out, files, force)
    if as_json:
        from advisor.migrate.document import document

        told = document(site) | {"files": [file.path for file in files]}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from advisor.commands.migrating import lines
        from advisor.report.console import show

        show(lines(site, None if dry_run else out))
    return EXIT_YES if site.meets else EXIT_NO


def _compare(folder: Path, prompts: Path | None, as_json: bool) -> int:
    from advisor.commands.progress import patient
    from advisor.errors import EXIT_NO, EXIT_YES
    from advisor.migrate.compare import compare, document, waits

    with patient() as progress:
        found = compare(folder, prompts, progress)
    if as_json:
        click.echo(json.dumps(document(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        for engine, first, whole, errors in waits(found):
            click.echo(f"{engine}: first word {first}, whole answer {whole} (medians), {errors} errors")
        for pair in found.pairs:
            click.echo(f"  {pair.alike}: {pair.model}: {' '.join(pair.prompt.split())[:60]}")
        click.echo(f"side by side: {folder / 'compare' / 'compare.md'}")
    return EXIT_NO if found.failed else EXIT_YES

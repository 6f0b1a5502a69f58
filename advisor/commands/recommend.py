"""`advisor recommend`: the main job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from advisor.commands.completing import Place
from advisor.commands.measured import measurements_option
from advisor.commands.options import Grouped, load_options
from advisor.errors import AdvisorError
from advisor.schema import RenderedFile

_HELP = """Which engine for this load: verdict, reasons, and a folder of files.

    \b
    Examples:
      advisor recommend --users 50
      advisor recommend --users 50 --gpu "2x RTX 4090" --model Qwen/Qwen2.5-7B-Instruct
      advisor recommend --profile production-api --users 200 --hardware hw.json --json
      advisor recommend --profile my-workload.yaml --dry-run

    \b
    Exit codes: 0 a plan that meets the targets, 1 no (the nearest yes is printed),
    2 bad input, 3 the environment failed.
"""


@click.command("recommend", cls=Grouped, help=_HELP)
@load_options
@measurements_option
@click.option(
    "--out",
    type=Place(path_type=Path, file_okay=False),
    default=Path("deploy"),
    show_default=True,
    help="Folder for the files; a no writes them only where this is given.",
)
@click.option("--force", is_flag=True, help="Replace files that were changed by hand (a backup is kept).")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--full", "view", flag_value="full", help="Show everything that was found, not only the answer.")
@click.option("--settings", "view", flag_value="settings", help="Show every setting with its reason.")
@click.option("--why", "view", flag_value="why", help="Show the rules that decided.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(
    profile: str | None,
    gpu: str | None,
    hardware: Path | None,
    measurements: str | None,
    out: Path,
    force: bool,
    dry_run: bool,
    view: str | None,
    as_json: bool,
    **overrides: Any,
) -> int:
    """Run the pipeline, write the folder, show the answer; the exit code carries the verdict."""
    from advisor.commands.pinning import not_loaded, pinned
    from advisor.commands.progress import patient
    from advisor.errors import EXIT_NO, EXIT_YES
    from advisor.pipeline import files_of, recommend

    listed = as_json or view == "full"  # the short answer names no other models, and no file
    with patient() as progress:
        answer = recommend(
            profile=profile,
            overrides=overrides,
            gpu=gpu,
            hardware_file=hardware,
            measurements=measurements,
            progress=progress,
            others=listed,
        )
        typed = click.get_current_context().get_parameter_source("out") is not ParameterSource.DEFAULT
        wanted = answer.plan is not None and not dry_run and (answer.verdict.meets_targets or typed)
        if answer.plan is not None and wanted:
            made = pinned(answer.plan, progress)
            answer = replace(answer, plan=made, model=made.model, workload=made.workload)
        files = files_of(answer.plan) if answer.plan and (wanted or listed) else ()
    for name in not_loaded(answer.plan) if answer.plan else ():
        click.echo(f"revision: {name} is not loaded by this plan", err=True)
    failed = _write(out, files, force) if wanted else None
    folder = str(out) if wanted and failed is None else None
    written = tuple(file.path for file in files)
    if as_json:
        from advisor.report.document import document

        click.echo(json.dumps(document(answer, written), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from advisor.report.terminal import Written
        from advisor.report.views import show_answer

        asked = click.get_current_context().find_object(str)  # by questions: they say what to type
        show_answer(answer, Written(written, folder, asked) if asked else Written(written, folder), view)
    if failed is not None:
        raise failed
    return EXIT_YES if answer.verdict.meets_targets else EXIT_NO


def _write(folder: Path, files: Sequence[RenderedFile], force: bool) -> AdvisorError | None:
    """Write the folder; what stands in the way is told after the verdict, which is worth having without files."""
    from advisor.folder.write import write_tree

    try:
        write_tree(folder, files, overwrite=force)
    except AdvisorError as error:
        return error
    return None

"""`advisor size`: which machines for this load, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from advisor.commands.accepting import Of
from advisor.commands.completing import Place
from advisor.commands.costing import cost_options, taken
from advisor.commands.measured import measurements_option
from advisor.commands.options import Grouped, load_options
from advisor.errors import BadInput
from advisor.schema import RenderedFile
from advisor.workload.kinds import Whole

if TYPE_CHECKING:
    from advisor.report.sized import SizeAnswer

_HELP = """The fewest, the cheapest, the fastest and the roomiest machines for a load.

    \b
    Examples:
      advisor size --users 50 --model Qwen/Qwen2.5-7B-Instruct
      advisor size --users 400 --model Qwen/Qwen2.5-7B-Instruct --can-get "RTX 4090, L40S, H100"
      advisor size --users 80 --model Qwen/Qwen2.5-7B-Instruct --have "2x RTX 3090" --budget 3000EUR --currency EUR
      advisor size --concurrency 50 --model meta-llama/Llama-3.1-8B-Instruct --api-in 0.1 --api-out 0.3
      advisor size --users 200 --model Qwen/Qwen2.5-7B-Instruct --spare 1 --pick 1 --out deploy

    \b
    Exit codes: 0 at least one way meets the targets, 1 none does,
    2 bad input, 3 the environment failed.
"""


@click.command("size", cls=Grouped, help=_HELP)
@load_options
@measurements_option
@cost_options
@click.option("--pick", type=Of(Whole(least=1, most=4)), help="Make the folder of this way of the answer.")
@click.option("--out", type=Place(path_type=Path, file_okay=False), help="Where --pick writes it.")
@click.option(
    "--report", type=Place(path_type=Path, dir_okay=False), help="Write the answer with its charts as a page."
)
@click.option("--force", is_flag=True, help="Replace files that were changed by hand (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(
    profile: str | None,
    gpu: str | None,
    hardware: Path | None,
    measurements: str | None,
    pick: int | None,
    out: Path | None,
    report: Path | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Search, show, and make the folder of the way that was picked."""
    from advisor.commands.progress import patient
    from advisor.commands.sizing import chosen_files
    from advisor.errors import EXIT_NO, EXIT_YES

    if (pick is None) != (out is None):
        raise BadInput("--pick and --out belong together: which way, and the folder for its files")
    if hardware is not None:
        raise BadInput("--hardware: a recorded machine has its size; `advisor capacity` says what it carries")
    with patient() as progress:
        answer = size_of(progress, today=date.today(), profile=profile, gpu=gpu, measurements=measurements, **options)
        files = chosen_files(answer, pick) if pick is not None else ()
    _write(out, files, force)
    _report(report, answer, force)
    _show(answer, files, as_json)
    for line in _written(pick, out if files else None, len(files), report):
        click.echo(line, err=as_json)
    return EXIT_YES if answer.options else EXIT_NO


def _written(pick: int | None, out: Path | None, files: int, report: Path | None) -> Iterator[str]:
    """Where what was asked for lies, and what to read first."""
    if out is not None:
        yield f"Written: way {pick} to {out} ({files} files); {out / 'README.md'} says what to type"
    if report is not None:
        yield f"Written: {report}"


def size_of(
    progress: Callable[[str], None],
    *,
    today: date,
    profile: str | None,
    gpu: str | None,
    measurements: str | None,
    **options: Any,
) -> SizeAnswer:
    """The answer to what was typed.

    Raises:
        BadInput: an option that cannot be used, or two that exclude each other.
    """
    from advisor.commands.sizing import size_answer
    from advisor.commands.terms import limits_of, peaks_of, terms_of

    asked = taken(options)
    terms = terms_of(asked)
    return size_answer(
        profile=profile, overrides=options, measurements=measurements, can_get=_one_of(gpu, asked["can_get"]),
        have=asked["have"], limits=limits_of(asked, terms.exchange), terms=terms, growth=asked["growth"],
        peaks=peaks_of(asked), today=today, progress=progress,
    )  # fmt: skip


def _one_of(gpu: str | None, can_get: str | None) -> str | None:
    """`--gpu` names the only card in question, as `--can-get` does.

    Raises:
        BadInput: both.
    """
    if gpu is not None and can_get is not None:
        raise BadInput("--gpu and --can-get exclude each other: each names the cards in question", drop=("--gpu",))
    return can_get if gpu is None else gpu


def _write(out: Path | None, files: Sequence[RenderedFile], force: bool) -> None:
    if out is not None and files:
        from advisor.folder.write import write_tree

        write_tree(out, files, overwrite=force)


def _report(where: Path | None, answer: Any, force: bool) -> None:
    if where is not None:
        from advisor.folder.write import replacing
        from advisor.report.html import FIRST_LINE
        from advisor.report.size_page import size_page

        with replacing(where, overwrite=force, own=FIRST_LINE) as file:
            file.write(size_page(answer))


def _show(answer: Any, files: Sequence[RenderedFile], as_json: bool) -> None:
    if as_json:
        from advisor.report.sized import size_document

        names = tuple(file.path for file in files)
        click.echo(json.dumps(size_document(answer, names), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from advisor.report.console import show
    from advisor.report.screen import screen
    from advisor.report.size_screen import size_lines

    show(size_lines(answer, screen()))

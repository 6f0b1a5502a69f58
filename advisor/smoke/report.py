"""The report of a smoke test as Markdown, and its two files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from advisor.smoke.load.stats import LoadResult, Spread
from advisor.smoke.outcome import Comparison, SmokeReport
from advisor.units import count, gib, ms

_LOAD_COLUMNS = (
    "in flight",
    "requests",
    "failed",
    "tokens/s out",
    "TTFT mean / p95",
    "TPOT mean / p95",
    "ITL p99",
    "in, out",
    "good",
    "other programs",
)
_MARK = {"pass": "pass", "fail": "**fail**", "skipped": "skipped"}


def write(report: SmokeReport, folder: Path) -> tuple[Path, Path]:
    """Write `smoke/report.json` and `smoke/report.md` into the deployment folder.

    Raises:
        EnvironmentFailed: the system refuses: no permission, disk full.
    """
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json

    as_json, as_text = folder / "smoke" / "report.json", folder / "smoke" / "report.md"
    write_atomically(as_json, to_json(document(report)), overwrite=True)
    write_atomically(as_text, markdown(report), overwrite=True)
    return as_json, as_text


def document(report: SmokeReport) -> dict[str, object]:
    """The report as plain data, with its verdict and the ratios spelled out."""
    from advisor.wire import to_data

    data: dict[str, object] = to_data(report)
    data.pop("hardware")
    data["passed"] = report.passed
    data["comparisons"] = [{**to_data(row), "ratio": row.ratio} for row in report.comparisons]
    return data


def markdown(report: SmokeReport) -> str:
    """The report for a person."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: SmokeReport) -> Iterator[str]:
    yield f"# Smoke test of {report.plan}: {'passed' if report.passed else 'failed'}"
    yield ""
    yield (
        f"{report.engine} {report.engine_version} ({report.runner}), {report.model}, {report.began}, "
        f"{report.seconds:.0f} s"
    )
    yield ""
    yield "| step | result | s | what was seen |"
    yield "|---|---|---:|---|"
    for step in report.steps:
        yield f"| {step.name} | {_MARK[step.result]} | {step.seconds:.1f} | {_cell(step.detail)} |"
    if report.loads:
        yield ""
        yield "## Load"
        yield ""
        yield f"| {' | '.join(_LOAD_COLUMNS)} |"
        yield "|" + "---:|" * len(_LOAD_COLUMNS)
        yield from (_load(load) for load in report.loads)
    if report.comparisons:
        yield ""
        yield "## Predicted and measured"
        yield ""
        yield "| figure | in flight | predicted (range) | measured | ratio | in range |"
        yield "|---|---:|---:|---:|---:|---|"
        yield from (_comparison(row) for row in report.comparisons)
    if report.ramp is not None:
        yield ""
        yield f"Ramp: {report.ramp.best} in flight meet the targets. {report.ramp.reason}."


def _load(load: LoadResult) -> str:
    rate = load.steady_output_tokens_per_s or load.output_tokens_per_s
    failed = sum(load.errors.values())
    cells = (
        f"{load.in_flight:.3g}", str(load.requests), str(failed), count(rate), _two(load.ttft_s), _two(load.tpot_s),
        ms(load.itl_s.p99) if load.itl_s else "", f"{load.input_tokens:.0f}, {load.output_tokens:.0f}",
        f"{load.good_share:.0%}",
        "" if load.others_share is None else f"{load.others_share:.0%} of the processor",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _two(spread: Spread | None) -> str:
    return f"{ms(spread.mean)} / {ms(spread.p95)}" if spread else ""


def _comparison(row: Comparison) -> str:
    show = shown_in(row.unit)
    level = "" if row.in_flight is None else str(row.in_flight)
    predicted = f"{show(row.expected)} ({show(row.low)}–{show(row.high)}, {row.basis})"
    return (
        f"| {row.figure} | {level} | {predicted} | {show(row.measured)} | {row.ratio:.2f} | "
        f"{'yes' if row.in_range else '**no**'} |"
    )


def shown_in(unit: str) -> Callable[[float], str]:
    """How figures of a unit are written."""
    if unit == "s":
        return ms
    if unit == "bytes":
        return gib
    return lambda number: f"{count(number)} {unit}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

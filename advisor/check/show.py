"""A report for a terminal, and as one JSON document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from advisor.check.outcome import CheckReport, Line
from advisor.wire import to_data

MARKS = {"pass": "ok", "fail": "FAIL", "skipped": "-", "by hand": "[ ]"}
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def document(report: CheckReport) -> dict[str, Any]:
    """Everything, with the numbers a script asks for first."""
    counts = {status: sum(line.status == status for line in report.lines) for status in MARKS}
    data: dict[str, Any] = to_data(report)
    return {**data, "passed": not report.failed, "counts": counts, "exit_code": report.exit_code}


def text(report: CheckReport) -> str:
    """One line each; below a failure what was seen, what must be seen and what to do."""
    state = "running" if report.running else "not running yet"
    return "\n".join([f"{report.plan}, --target {report.target}, {state}", "", *_lines(report), *_end(report)])


def _lines(report: CheckReport) -> Iterator[str]:
    width = max(len(line.id) for line in report.lines)
    for line in report.lines:
        if line.status == "by hand":
            continue
        tail = f" ({line.reason})" if line.status == "skipped" else _short(line)
        yield f"{MARKS[line.status]:>4}  {line.id:<{width}}  {_clean(line.fact)}{tail}"
        if line.status == "fail":
            yield from (f"{'':{width + 8}}{row}" for row in _failure(line))


def _short(line: Line) -> str:
    """What a passing command said, when it fits."""
    seen = _clean(line.seen)
    return f": {seen}" if line.status == "pass" and seen and "\n" not in line.seen and len(seen) <= 40 else ""


def _failure(line: Line) -> Iterator[str]:
    yield line.reason
    for seen in line.seen.splitlines():
        yield f"saw: {_clean(seen)}"
    yield f"must show: {_clean(line.expect)}"
    yield f"otherwise: {_clean(line.otherwise)}"
    if line.why:
        yield f"why: {_clean(line.why)}"


def _end(report: CheckReport) -> Iterator[str]:
    by_hand = [line for line in report.lines if line.status == "by hand"]
    if by_hand:
        yield ""
        yield "For a person to tick:"
        for line in by_hand:
            yield f" [ ]  {_clean(line.fact)}"
            yield f"      must be so: {_clean(line.expect)}"
    counts = document(report)["counts"]
    yield ""
    yield f"{counts['pass']} passed, {counts['fail']} failed, {counts['skipped']} skipped, {counts['by hand']} by hand"


def _clean(text: str) -> str:
    return _UNSHOWN.sub("?", text.replace("\n", " "))

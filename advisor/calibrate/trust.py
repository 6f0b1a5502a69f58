"""How far a range can be relied on, by engine and kind of device: what a verdict's "high" has to be earned with.

A target that the slow end of a range meets is met where the measurement was no slower than that end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from advisor.calibrate.validate import Error
from advisor.calibrate.widths import table, thin
from advisor.decide.trusted import is_enough
from advisor.physics.speed.figures import between, range_kind

FIGURES = ("rate", "ttft", "tpot")
PLANNED = {"llamacpp": "ollama"}  # the engine that is planned with these kernels
HEAD = """\
# Written by `python -m advisor.calibrate`: what ranges held on sources that were left out of the fit, by engine and
# kind of device. error: median of |predicted / measured - 1| of the output rate; slow_end: share of all figures (rate,
# TTFT, TPOT) that were no slower than the slow end of their range, of the figure for which it is least.
"""


class Held(NamedTuple):
    """One engine on one kind of device."""

    rows: int
    sources: int
    error: float
    slow_end: float


def held(errors: Sequence[Error]) -> dict[tuple[str, str], Held]:
    """By engine and kind of device; widths are learnt without the source that is judged."""
    slow: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for source in sorted({error.group for error in errors}):
        others = [error for error in errors if error.group != source]
        wider = math.log(thin(others))
        tables = {engine: table(others, engine) for engine in {e.engine for e in errors if e.group == source}}
        for error in (error for error in errors if error.group == source):
            kind = range_kind(error.family)
            widths = tables[error.engine][kind]
            found = slow.setdefault((PLANNED.get(error.engine, error.engine), kind), {})
            for figure in FIGURES:
                if (told := error.ranged(figure)) is None:
                    continue
                width = between([math.log(one) for one in widths[figure]], error.load)
                sense = 1 if figure == "rate" else -1
                found.setdefault(figure, []).append(sense * told <= width + (0.0 if error.seen else wider))
    return {key: _held(errors, key, found) for key, found in sorted(slow.items())}


def _held(errors: Sequence[Error], key: tuple[str, str], slow: dict[str, list[bool]]) -> Held:
    mine = [
        error
        for error in errors
        if (PLANNED.get(error.engine, error.engine), range_kind(error.family)) == key and error.rate is not None
    ]
    return Held(
        rows=len(mine),
        sources=len({error.group for error in mine}),
        error=round(median(abs(math.expm1(error.rate or 0.0)) for error in mine), 3),
        slow_end=round(min(sum(found) / len(found) for found in slow.values()), 3),
    )


def document(errors: Sequence[Error]) -> str:
    """The text of trust.yaml."""
    lines = [HEAD, "left_out:\n"]
    engine = ""
    for (name, kind), one in held(errors).items():
        lines += [f"  {name}:\n"] if name != engine else []
        figures = f"rows: {one.rows}, sources: {one.sources}, error: {one.error}, slow_end: {one.slow_end}"
        lines.append(f"    {kind}: {{{figures}}}\n")
        engine = name
    return "".join(lines)


def section(errors: Sequence[Error]) -> str:
    """The section of the report."""
    lines = (
        f"| {engine}, {kind} | {one.rows} | {one.sources} | {one.error:.0%} | {one.slow_end:.0%} | "
        f"{'high' if is_enough(one.error, one.slow_end, one.sources) else 'medium'} |\n"
        for (engine, kind), one in held(errors).items()
    )
    return (
        "## What a verdict's confidence rests on\n\nOf sources that were left out: the median error of the output "
        "rate, and the share of measurements no slower than the slow end of their range, of the figure (rate, TTFT, "
        "TPOT) for which it is least. A yes is *high* only where that slow end meets the targets and this record is "
        "good enough; a device or format that nobody measured is *low*.\n\n"
        "| engine, device | rows | sources | rate error | slow end held | at most |\n|---|---|---|---|---|---|\n"
        + "".join(lines)
    )

"""Whether ranges hold what they promise, their widths learnt on the other sources: by engine, kind of device, load."""

from __future__ import annotations

import math
from collections.abc import Sequence

from advisor.calibrate.validate import Error
from advisor.calibrate.widths import table, thin
from advisor.physics.speed.figures import between, range_kind

BANDS = ((1.5, "1"), (8.0, "2-8"), (64.0, "9-64"), (math.inf, "over 64"))
FEWEST = 20  # rows of a group that is judged
LEAST, MOST = 0.7, 0.9  # of its rows in their range
FIGURES = ("rate", "ttft", "tpot")


def section(errors: Sequence[Error]) -> str:
    """Of each figure the share inside, of all and by group."""
    text = "\nRanges, widths learnt without the source that is judged (target: 70 to 90 % of nearly every group):\n\n"
    for figure in FIGURES:
        every = [one for found in _groups(errors, figure).values() for one in found]
        share = sum(every) / max(len(every), 1)
        right, groups = held(errors, figure)
        text += f"- {figure}: {share:.0%} of {len(every)} rows inside; so it is in {right} of {groups} groups\n"
    return text + _by_group(errors, "rate") + _by_group(errors, "ttft")


def held(errors: Sequence[Error], figure: str) -> tuple[int, int]:
    """Groups whose range holds as many rows as it should, and all groups that are judged."""
    shares = [sum(found) / len(found) for found in _groups(errors, figure).values() if len(found) >= FEWEST]
    return sum(LEAST <= share <= MOST for share in shares), len(shares)


def _by_group(errors: Sequence[Error], figure: str) -> str:
    lines = (
        f"| {name} | {len(found)} | {sum(found) / len(found):.0%} |\n"
        for name, found in sorted(_groups(errors, figure).items())
        if len(found) >= FEWEST
    )
    return f"\n| {figure}, by group | rows | inside |\n|---|---|---|\n" + "".join(lines)


def _groups(errors: Sequence[Error], figure: str) -> dict[str, list[bool]]:
    """Group → whether each of its rows lies in its range."""
    found: dict[str, list[bool]] = {}
    told = [error for error in errors if error.ranged(figure) is not None]
    for source in sorted({error.group for error in told}):
        others = [error for error in errors if error.group != source]
        wider = math.log(thin(others))
        tables = {engine: table(others, engine) for engine in {e.engine for e in told if e.group == source}}
        for error in (error for error in told if error.group == source):
            kind = range_kind(error.family)
            width = between([math.log(one) for one in tables[error.engine][kind][figure]], error.load)
            band = next(name for most, name in BANDS if error.load <= most)
            inside = abs(getattr(error, figure)) <= width + (0.0 if error.seen else wider)
            found.setdefault(f"{error.engine}, {kind}, {band} in flight", []).append(inside)
    return found

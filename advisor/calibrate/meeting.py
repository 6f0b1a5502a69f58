"""The share of like requests that go on to come together in a benchmark: fitted to the waits for the first token.

After everything else, and alone: how clients come decides no rate, so that a constant which only waits depend on must
not move those that rates depend on too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from advisor.calibrate.model import Model
from advisor.calibrate.points import Point
from advisor.calibrate.rows import in_step, prefix_cached
from advisor.physics.speed.inside import EQUAL

SHARES = tuple(step / 20 for step in range(21))
FEWEST = 10  # waits, below which nobody is held to stay in step


def meeting(points: Sequence[Point], values: Mapping[str, float]) -> dict[str, float]:
    """`in_step` of one engine family: the share with the smallest sum of errors, every source counting alike."""
    told = [point for point in map(_unsaid, points) if _tells(point)]
    if len(told) < FEWEST:
        return {"in_step": 0.0}
    sizes = Counter(point.row.group for point in told)

    def missed(share: float) -> float:
        model = Model({**values, "in_step": share})
        return sum(
            abs(math.log(1e3 * model(point).ttft_s / (point.row.ttft_ms or 1.0))) / sizes[point.row.group]
            for point in told
        )

    return {"in_step": min(SHARES, key=missed)}


def _unsaid(point: Point) -> Point:
    """As its row alone says it: clients that are known to march in step are what this share is learnt from."""
    return point._replace(asked=point.asked._replace(prompts=None)) if in_step(point.row) else point


def _tells(point: Point) -> bool:
    """A wait in a closed loop of several like requests of stated length, of whose number nothing is said."""
    row, asked = point.row, point.asked
    closed = asked.mode == "serving" and asked.prompts is None and (asked.concurrency or 1.0) > 1.0
    known = bool(row.ttft_ms and row.request["input_tokens"]) and not prefix_cached(row)
    return closed and known and asked.request_rate in (None, math.inf) and asked.longest == EQUAL

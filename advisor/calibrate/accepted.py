"""The chance that a drafted token is kept, by method of speculation: fitted to the runs that say how they drafted.

After everything else, and alone: what is measured with speculation decides no other constant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from advisor.calibrate.model import Model
from advisor.calibrate.parameters import ACCEPTED
from advisor.calibrate.points import Point, inside_memory, points
from advisor.calibrate.rows import Row, as_released
from advisor.physics.speed.speculation import Speculation
from advisor.predict.speculation import speculation_of

FEWEST = 10  # rows of a method, below which its start is kept
CHANCES = tuple(step / 100 for step in range(5, 100))


def chances(engine: str, rows: Sequence[Row], values: Mapping[str, float]) -> dict[str, float]:
    """`accepted.METHOD` of each method, for the constants of one engine family."""
    told = [row for row in rows if row.usable and row.output_tok_s and row.request["speculation"] and as_released(row)]
    plain = [row._replace(request={**row.request, "speculation": ""}) for row in told]
    drafts = {row.id: speculation_of(row.request["speculation"]) for row in told}
    found = [point for point in points(plain)[0] if point.engine == engine and inside_memory(point)]
    return {name: _chance(name, start, found, drafts, values) for name, start in ACCEPTED.items()}


def _chance(
    name: str, start: float, found: Sequence[Point], drafts: Mapping[str, Speculation | None],
    values: Mapping[str, float],
) -> float:  # fmt: skip
    """The chance with the smallest sum of errors, every source counting alike."""
    mine = [(point, draft) for point in found if (draft := drafts[point.row.id]) and name.endswith(draft.method)]
    if len(mine) < FEWEST:
        return start
    sizes = Counter(point.row.group for point, _ in mine)

    def missed(chance: float) -> float:
        model = Model({**values, name: chance})
        return sum(
            abs(math.log(model(point, draft).rate / (point.row.output_tok_s or 1.0))) / sizes[point.row.group]
            for point, draft in mine
        )

    return min(CHANCES, key=missed)

"""How wide a range must be to hold four in five measurements of a source that was left out of the fit.

By engine, kind of device and load. The quantile at each knot weighs every source alike and the nearer loads more; where
few sources measured a kind of device, the engine's other devices count as so many more sources.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from advisor.calibrate.validate import Error
from advisor.physics.speed.figures import KNOTS, kinds, range_kind

INSIDE = 0.8  # of unseen measurements between low and high
FIGURES = ("rate", "ttft", "tpot")
REACH = 2.0  # doublings of the load over which a measurement loses a third of its weight
BORROWED = 1.5  # sources' worth of the engine's other devices
LEAST = 1.05  # factor of the narrowest range
UNKNOWN = 3.0  # factor where nothing was measured


def widths(errors: Sequence[Error], engine: str, kind: str, figure: str) -> list[float]:
    """The factor between expected and each end, at each knot."""
    mine = [error for error in errors if error.engine == engine and error.ranged(figure) is not None]
    own = [error for error in mine if range_kind(error.family) == kind]
    return [_width(own, [error for error in mine if range_kind(error.family) != kind], figure, knot) for knot in KNOTS]


def _width(own: Sequence[Error], others: Sequence[Error], figure: str, knot: float) -> float:
    weighted = _weighted(own, figure, knot, None) + _weighted(others, figure, knot, BORROWED)
    return max(math.exp(quantile(weighted)), LEAST) if weighted else UNKNOWN


def _weighted(errors: Sequence[Error], figure: str, knot: float, whole: float | None) -> list[tuple[float, float]]:
    """Sizes of errors with their weights: a source has at most 1, all together `whole` where it is given."""
    near = [math.exp(-0.5 * (math.log2(error.load / knot) / REACH) ** 2) for error in errors]
    sums: Counter[str] = Counter()
    for error, weight in zip(errors, near, strict=True):
        sums[error.group] += weight  # type: ignore[assignment] # a Counter may hold fractions
    found = [
        (abs(getattr(error, figure)), weight / max(sums[error.group] ** 0.5, 1.0))
        for error, weight in zip(errors, near, strict=True)
    ]
    total = sum(weight for _, weight in found)
    scale = 1.0 if whole is None or not total else whole / total
    return [(size, weight * scale) for size, weight in found]


def quantile(weighted: Sequence[tuple[float, float]]) -> float:
    """The size that INSIDE of the weight does not exceed."""
    left = INSIDE * sum(weight for _, weight in weighted)
    for size, weight in sorted(weighted):
        left -= weight
        if left <= 0:
            return size
    return 0.0


def thin(errors: Sequence[Error]) -> float:
    """How much wider the rate's range must be where no like card or kernel was left to fit on; at least a tenth."""
    of = {seen: [(abs(e.rate), 1.0) for e in errors if e.rate is not None and e.seen is seen] for seen in (True, False)}
    return max(math.exp(quantile(of[False]) - quantile(of[True])), 1.1)


def table(errors: Sequence[Error], engine: str) -> dict[str, dict[str, list[float]]]:
    """Kind of device → figure → factors at the knots."""
    seen = [error for error in errors if error.seen]
    return {kind: {figure: widths(seen, engine, kind, figure) for figure in FIGURES} for kind in kinds()}

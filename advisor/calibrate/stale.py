"""Whether the constants still belong to their measurements, to the parameters and to the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from advisor.calibrate import inputs, published
from advisor.calibrate.fit import cost
from advisor.calibrate.points import Point, to_fit
from advisor.calibrate.rows import read_all
from advisor.catalog import constants
from advisor.physics.speed.setup import fitted

TOLERANCE = 2e-3  # of a sum of squares: speed.yaml keeps four digits
ENGINES = ("vllm", "llamacpp")


def left(
    engine: str, fitting: Sequence[Point], shown: Sequence[Point], values: Mapping[str, float]
) -> dict[str, float]:
    """The squares that these constants leave, over all measurements and over the published part."""
    parts = {f"{engine}_left": fitting, f"{engine}_published_left": shown}
    return {
        name: cost(engine, [point for point in points if point.engine == engine], values)
        for name, points in parts.items()
    }


def differences(data: Path) -> list[str]:
    """What speed.yaml was made from and is not so any more, a line each; none where a new fit would give it again."""
    fitting, shown = (to_fit(read_all(folder)) for folder in (data, published.FOLDER))
    now: dict[str, str | float] = {**inputs.hashes(data), "published": published.digest()}
    for engine in ENGINES:
        now |= left(engine, fitting, shown, fitted(engine))
    kept = constants("speed")["from"]
    return [
        f"{name}: {kept[name]} in speed.yaml, {found} now"
        for name, found in now.items()
        if not _same(kept[name], found)
    ]


def _same(kept: str | float, found: str | float) -> bool:
    if isinstance(kept, str) or isinstance(found, str):
        return kept == found
    return abs(found / kept - 1) <= TOLERANCE

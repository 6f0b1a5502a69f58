"""The fit: a few physical constants, least squares on logarithms, robust against single bad rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.optimize import least_squares

from advisor.catalog.refresh.calibrate.parameters import Parameter, parameters, with_unit_bases
from advisor.catalog.refresh.calibrate.points import Model, Point

SCALE = 0.15  # residuals beyond it count less and less
USUAL_GROUP = 40  # larger sources weigh less a row
TPOT_WEIGHT = 0.6
TTFT_WEIGHT = 0.3
EVALUATIONS = 25


def fit(engine: str, points: Sequence[Point], start: Mapping[str, float] | None = None) -> dict[str, float]:
    """Constants of one engine family that fit these points best."""
    known = spec(engine, points)
    x0 = np.array([math.log(_start(one, start)) for one in known])
    low = np.array([math.log(one.low) for one in known])
    high = np.array([math.log(one.high) for one in known])
    residuals = objective(known, points)
    found = least_squares(
        residuals, np.clip(x0, low + 1e-6, high - 1e-6), bounds=(low, high), loss="soft_l1", f_scale=SCALE,
        max_nfev=EVALUATIONS, diff_step=1e-4, x_scale=0.1, xtol=1e-4, ftol=1e-5,
    )  # fmt: skip
    return values_of(known, found.x)


def spec(engine: str, points: Sequence[Point]) -> list[Parameter]:
    """The parameters these points can tell something about."""
    families = tuple(sorted({point.ready.prepared.device.family for point in points}))
    kernels = tuple(sorted({point.ready.prepared.kernel for point in points}))
    return parameters(engine, families, kernels)


def _start(parameter: Parameter, start: Mapping[str, float] | None) -> float:
    return start.get(parameter.name, parameter.start) if start else parameter.start


def values_of(known: Sequence[Parameter], x: Sequence[float]) -> dict[str, float]:
    """Constants from logarithms."""
    return with_unit_bases({one.name: math.exp(float(log)) for one, log in zip(known, x, strict=True)})


def objective(known: Sequence[Parameter], points: Sequence[Point]) -> Callable[[Sequence[float]], np.ndarray]:
    """Weighted residuals of all figures, then the pull of every parameter to its prior."""
    sizes = Counter(point.row.group for point in points)
    weights = [weight(point, sizes[point.row.group]) for point in points]
    pulls = [(index, math.log(one.start), SCALE / one.sigma) for index, one in enumerate(known) if one.sigma]

    def residuals(x: Sequence[float]) -> np.ndarray:
        model = Model(values_of(known, x))
        found: list[float] = []
        for point, share in zip(points, weights, strict=True):
            found.extend(share * part for part in errors(model, point))
        found.extend(strength * (x[index] - mean) for index, mean, strength in pulls)
        return np.array(found)

    return residuals


def weight(point: Point, group_size: int) -> float:
    """Rows of large sources and of less complete workloads weigh less."""
    share = min(1.0, USUAL_GROUP / group_size) ** 0.5
    return share * (1.0 if point.row.confidence == "high" else 0.7)


def errors(model: Model, point: Point) -> tuple[float, float, float]:
    """Logarithms of predicted over measured: rate, TPOT, TTFT, each with its weight; 0 where nothing was measured."""
    row, said = point.row, model(point)
    rate = math.log(said.rate / row.rate) if row.rate and not row.decode_only else 0.0
    tpot = TPOT_WEIGHT * math.log(said.tpot_s / row.tpot_s) if row.tpot_s else 0.0
    ttft = TTFT_WEIGHT * math.log(said.ttft_s / row.ttft_s) if row.ttft_s else 0.0
    return rate, tpot, ttft

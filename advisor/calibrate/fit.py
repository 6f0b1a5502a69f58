"""The fit: a few physical constants, least squares on logarithms, robust against single bad rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from advisor.calibrate.columns import table_of
from advisor.calibrate.kernels import Held
from advisor.calibrate.parameters import BACKENDS, BEFORE, Parameter, complete, parameters
from advisor.calibrate.points import Point
from advisor.calibrate.rows import Row, decode_only, prefix_cached
from advisor.calibrate.vector_serving import figures

SCALE = 0.14  # errors beyond it count less and less: some sources ran under other conditions than they say
USUAL_GROUP = 25  # larger sources weigh less a row
MOST_OF_ALL = 0.1  # of the sum of squared weights that one source may have
LENGTHS_UNSAID = 0.5  # weight of a row that does not say how long its prompts are
TPOT_WEIGHT = {"vllm": 0.4, "llamacpp": 0.9}  # beside vLLM's decodes run prompts
TTFT_WEIGHT = 0.4
LOADED_TTFT_WEIGHT = 0.03  # under load the wait depends on how the run was started
EVALUATIONS = 80
STEP = 1e-4
EDGE = 0.04
LIGHT = 8  # requests in flight

Values = Mapping[str, float]
Vector = Any  # a NumPy array


def fit(engine: str, points: Sequence[Point], held: Sequence[Held]) -> dict[str, float]:
    """Constants of one engine family that fit these points best.

    It always begins at the parameters' own starts: begun at constants that knew a source, a fit without that source
    stays near them.
    """
    problem = Problem(engine, spec(engine, points), points, held)
    known = problem.parameters
    low = np.array([math.log(one.low) for one in known])
    high = np.array([math.log(one.high) for one in known])
    x0 = np.array([math.log(one.start) for one in known])
    inner = EDGE * (high - low)  # a start on a bound would hold the solver there
    found = least_squares(
        problem.residuals, np.clip(x0, low + inner, high - inner), jac=problem.jacobian, bounds=(low, high),
        loss=problem.loss, f_scale=SCALE, max_nfev=EVALUATIONS, x_scale=0.1, xtol=1e-6, ftol=1e-6,
    )  # fmt: skip
    return problem.values(found.x)


def cost(engine: str, points: Sequence[Point], values: Values) -> float:
    """Half the sum of squares of the weighted errors of these constants, far ones counting less, without the priors."""
    table = Problem(engine, spec(engine, points), points, [])
    return float(SCALE**2 / 2 * np.sum(table.loss((table.errors(values) / SCALE) ** 2)[0]))


def spec(engine: str, points: Sequence[Point]) -> list[Parameter]:
    """The parameters these points can tell something about."""
    return parameters(engine, tuple(sorted({point.ready.prepared.kernel for point in points})))


class Problem:
    """Weighted residuals of all figures, then of the kernel tables, then the pull of every parameter to its start."""

    def __init__(self, engine: str, known: Sequence[Parameter], points: Sequence[Point], held: Sequence[Held]) -> None:
        self.engine = engine
        self.parameters = known
        self.points = points
        self.table = table_of(engine, points)
        sizes = Counter(point.row.group for point in points)
        self.weights = np.array([weights(point, sizes[point.row.group]) for point in points])
        self.weights *= capped([point.row.group for point in points], self.weights)[:, None]
        measured = np.array([_measured(point.row) for point in points])
        self.gaps = np.array([point.row.itl_ms is not None for point in points])
        self.measured = np.where(self.weights > 0, measured, 1.0)
        self.place = {one.name: index for index, one in enumerate(known)}
        self.held = [one for one in held if one.names[0] in self.place]
        self.blocks = self._blocks()
        self.slopes = self._prior_slopes()

    def _blocks(self) -> list[list[int]]:
        """Parameters that never act on the same row (factors of different families) can be stepped together."""
        kernels = {point.ready.prepared.kernel for point in self.points}
        grouped: dict[str, list[int]] = defaultdict(list)
        for index, one in enumerate(self.parameters):
            base, _, factor = one.name.partition(".")
            kind = "family" if factor in BEFORE else "kernel" if factor in kernels else ""
            kind = "backend" if factor in BACKENDS else kind
            grouped[f"{base} {kind}" if kind else one.name].append(index)
        return list(grouped.values())

    def values(self, x: Sequence[float]) -> dict[str, float]:
        """Constants from logarithms."""
        return complete(
            self.engine, {one.name: math.exp(float(log)) for one, log in zip(self.parameters, x, strict=True)}
        )

    def residuals(self, x: Vector) -> Vector:
        """All residuals at `x`."""
        return np.concatenate([self._figures(x), self._priors(x)])

    def loss(self, squares: Vector) -> Vector:
        """Cauchy's loss and its derivatives for measurements, plain squares for what is held at its start."""
        far = 1.0 + squares
        known = np.arange(len(squares)) < 3 * len(self.points)
        plain = (squares, np.ones_like(far), np.zeros_like(far))
        return np.where(known, (np.log(far), 1.0 / far, -1.0 / far**2), plain)

    def _figures(self, x: Vector) -> Vector:
        return self.errors(self.values(x))

    def errors(self, values: Values) -> Vector:
        """Logarithms of predicted over measured, weighted: rate, TPOT and TTFT of each point."""
        rate, tpot, ttft, gap = figures(self.table, values)
        said = np.stack((rate, np.where(self.gaps, gap, tpot), ttft), axis=1)
        return (self.weights * np.log(np.where(self.weights > 0, said / self.measured, 1.0))).ravel()

    def _priors(self, x: Vector) -> Vector:
        found = []
        for index, one in enumerate(self.parameters):
            if one.sigma:
                middle = x[self.place[one.like]] if one.like else math.log(one.start)
                found.append(SCALE / one.sigma * (x[index] - middle))
        for fact in self.held:
            said = sum(x[self.place[name]] for name in fact.names if name in self.place)
            found.append(SCALE / fact.sigma * (said - fact.log_value))
        return np.array(found)

    def jacobian(self, x: Vector) -> Vector:
        """Finite differences, one evaluation a block; the rows of a block's parameters do not overlap."""
        base = self._figures(x)
        result = np.zeros((len(base) + len(self.slopes), len(x)))
        for block in self.blocks:
            moved = x.copy()
            moved[block] += STEP
            slope = (self._figures(moved) - base) / STEP
            for index in block:
                result[: len(base), index] = slope if len(block) == 1 else np.where(self._acts(index), slope, 0.0)
        result[len(base) :] = self.slopes
        return result

    def _prior_slopes(self) -> Vector:
        """The priors are linear, so these hold everywhere."""
        start = np.zeros(len(self.parameters))
        base = self._priors(start)
        slopes = np.zeros((len(base), len(start)))
        for index in range(len(start)):
            moved = start.copy()
            moved[index] += 1.0
            slopes[:, index] = self._priors(moved) - base
        return slopes

    def _acts(self, index: int) -> Vector:
        """Which residuals a family's or kernel's factor can change."""
        factor = self.parameters[index].name.partition(".")[2]
        acts = np.zeros(len(self.points), dtype=bool)
        setups = self.table.setups
        for names, place in (setups.families, setups.kernels, setups.backends):
            if factor in names:
                acts |= place[self.table.setup] == names.index(factor)
        return np.repeat(acts, 3)


def weights(point: Point, group_size: int) -> tuple[float, float, float]:
    """Of rate, TPOT and TTFT; 0 where nothing was measured.

    Rows of large sources and of less complete workloads weigh less.
    """
    row = point.row
    share = math.sqrt(min(1.0, USUAL_GROUP / group_size))
    share *= 1.0 if row.confidence == "high" else 0.7
    share *= 1.0 if row.request["input_tokens"] else LENGTHS_UNSAID
    rate = 1.0 if row.output_tok_s and not decode_only(row) else 0.0
    tpot = TPOT_WEIGHT[point.engine] if row.tpot_ms or row.itl_ms else 0.0
    return share * rate, share * tpot, share * ttft_weight(row) * bool(row.ttft_ms)


def capped(groups: Sequence[str], weights: Vector) -> Vector:
    """Factors on the rows' weights so that no source has more than its share of all, as far as there are enough."""
    names = sorted(set(groups))
    place = np.array([names.index(group) for group in groups])
    whole = np.bincount(place, (weights**2).sum(axis=1))
    kept = whole.copy()
    most = max(MOST_OF_ALL, 1.0 / len(names))
    for _ in range(len(names)):  # cutting one raises the shares of the others
        kept = np.minimum(whole, most * kept.sum())
    return np.sqrt(kept / np.maximum(whole, 1e-12))[place]


def _measured(row: Row) -> tuple[float, float, float]:
    """Rate, TPOT (or median ITL) and TTFT in tokens/s and seconds; 1 where nothing was measured."""
    return row.output_tok_s or 1.0, (row.tpot_ms or row.itl_ms or 1e3) / 1e3, (row.ttft_ms or 1e3) / 1e3


def ttft_weight(row: Row) -> float:
    """Waits at light load tell about the engine; under load they tell how the run was started; in a queue, nothing."""
    flight = row.request["concurrency"]
    if prefix_cached(row):
        return 0.0
    if row.measurement == "batched_bench" or row.request["mode"] == "single_stream":
        return TTFT_WEIGHT
    if flight:
        return TTFT_WEIGHT if float(flight) <= LIGHT else LOADED_TTFT_WEIGHT
    return 0.0 if row.request["request_rate"] in ("", "inf") else LOADED_TTFT_WEIGHT

"""Leave one source out: fit on the others, predict it, and keep every error."""

from __future__ import annotations

import math
import multiprocessing
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from advisor.calibrate.fit import fit
from advisor.calibrate.kernels import Held
from advisor.calibrate.model import Model
from advisor.calibrate.parameters import IN_STEP
from advisor.calibrate.points import Point, beyond_peak, cached_in, from_cache, new_tokens
from advisor.calibrate.rows import CLOCKED, rate_as_printed

FOLDS = 10  # sources are dealt into so many; those of one fold are left out together


class Error(NamedTuple):
    """One row that was predicted without its source; logarithms of predicted over measured, None where not measured."""

    id: str
    group: str
    engine: str
    measurement: str
    gpu_class: str
    family: str
    kernel: str
    load: float  # requests of one replica in flight, those that wait among them
    seen: bool  # measurements of this family and this kernel were left to fit on
    rate: float | None
    tpot: float | None
    ttft: float | None
    itl: float | None  # where the source prints a median gap as TPOT
    itl_as_tpot: float | None  # the same figure taken for what its column says
    cached: bool  # its first token came sooner than the card computes the new part of the prompt: it was not new
    measured: float
    predicted: float

    def ranged(self, figure: str) -> float | None:
        """The error of a figure that has a range: a wait for a prompt from the cache is none for a new one."""
        value: float | None = getattr(self, figure)
        return None if figure == "ttft" and self.cached else value


def fold_of(points: Sequence[Point]) -> dict[str, int]:
    """Source → fold, the largest sources dealt first, so that no two of them share one."""
    sizes = Counter(point.row.group for point in points if point.row.measurement != CLOCKED)
    ranked = sorted(sizes, key=lambda group: (-sizes[group], group))
    return {group: place % FOLDS for place, group in enumerate(ranked)}


def leave_one_out(
    engine: str, to_fit: Sequence[Point], to_judge: Sequence[Point], held: Sequence[Held], processes: int
) -> list[Error]:
    """Errors of every row of `to_judge`, each predicted by constants that never saw its fold."""
    folds = fold_of(to_judge)
    jobs: list[_Job] = []
    for fold in sorted(set(folds.values())):
        inside = [point for point in to_fit if folds.get(point.row.group) != fold]
        outside = [point for point in to_judge if folds[point.row.group] == fold]
        jobs.append((engine, inside, outside, held))
    return _errors(jobs, processes)


def leave_out(
    engine: str, to_fit: Sequence[Point], to_judge: Sequence[Point], held: Sequence[Held], groups: Collection[str]
) -> list[Error]:
    """Errors of those sources, all predicted by one fit without any of them."""
    inside = [point for point in to_fit if point.row.group not in groups]
    outside = [point for point in to_judge if point.row.group in groups]
    return _errors([(engine, inside, outside, held)], 1)


_Job = tuple[str, list[Point], list[Point], Sequence[Held]]


def _errors(jobs: Sequence[_Job], processes: int) -> list[Error]:
    if processes == 1:
        found = [_fold(job) for job in jobs]
    else:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            found = pool.map(_fold, jobs, chunksize=1)
    return sorted((error for part in found for error in part), key=lambda error: error.id)


def _fold(job: _Job) -> list[Error]:
    engine, inside, outside, held = job
    values = fit(engine, inside, held)
    model = Model({**values, **IN_STEP})
    families = {point.ready.prepared.device.family for point in inside}
    kernels = {point.ready.prepared.kernel for point in inside}
    again = from_cache(outside)
    found = [error_of(model, point, again, families, kernels) for point in outside]
    return [error._replace(cached=error.cached or error.id in again) for error in found]


def error_of(model: Model, point: Point, again: set[str], families: set[str], kernels: set[str]) -> Error:
    """What one row is predicted to be, against what was measured.

    A prompt that is proven to have lain in the cache (`again`) was not computed: its rate and TPOT are predicted so.
    Its TTFT, which proves it, is judged as the row alone says it.
    """
    row, known, said = point.row, point.ready.prepared, model(cached_in(point, again))
    rate = rate_as_printed(row, said.rate, said.tpot_s)
    return Error(
        id=row.id,
        group=row.group,
        engine=point.engine,
        measurement=row.measurement,
        gpu_class=row.gpu_class,
        family=known.device.family,
        kernel=known.kernel,
        load=said.load,
        seen=known.device.family in families and known.kernel in kernels,
        rate=_log(rate, row.output_tok_s),
        tpot=_log(1e3 * said.tpot_s, row.tpot_ms),
        ttft=_log(1e3 * model(point).ttft_s, row.ttft_ms),
        itl=_log(1e3 * said.gap_s, row.itl_ms),
        itl_as_tpot=_log(1e3 * said.tpot_s, row.itl_ms),
        cached=beyond_peak(point, new_tokens(point)),
        measured=row.output_tok_s or 0.0,
        predicted=rate,
    )


def _log(predicted: float, measured: float | None) -> float | None:
    return math.log(predicted / measured) if measured else None

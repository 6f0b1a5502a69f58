"""Public scores → data/scores.json (one figure a model and task), and the scale on which models are placed.

Run: `python -m advisor.refresh.ranking`. The rule is data/ranking.yaml.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from advisor.catalog import constants, models
from advisor.catalog.entries import Score
from advisor.refresh.table import SOURCES, document, rows, without_defaults
from advisor.schema import ModelSpec

ORIGIN = "advisor/refresh/sources/model_scores.csv"
FIRST_YEAR = 2020
_FITTED = 3  # figures of a plane
_BELOW = 100.0  # more than any model has doublings
Table = Mapping[str, Mapping[str, Score]]  # measure → Hub id → score


class Place(NamedTuple):
    """Where a model stands on the scale of a task's first measure, and the score it has from there."""

    at: float
    score: Score | None


def read(folder: Path = SOURCES) -> Table:
    """The scores of the models that the catalogue holds, by measure."""
    known = {model.hf_id for model in models()}
    table: dict[str, dict[str, Score]] = {}
    for row in rows(folder / "model_scores.csv"):
        if row["hf_id"] in known:
            table.setdefault(row["measure"], {})[row["hf_id"]] = Score(
                hf_id=row["hf_id"], task=row["task"], measure=row["measure"], figure=float(row["value"]),
                date=row["date"], source=row["source"], variant=row["variant"],
                kind="estimated" if row["kind"] == "estimated" else "measured",
            )  # fmt: skip
    return table


def places(task: str, among: Iterable[ModelSpec], table: Table) -> dict[str, Place]:
    """Every model's place for a task: by its first measure, by a later one, or by size and age."""
    measures: Sequence[str] = constants("ranking")["tasks"][task]["measures"]
    first = {name: score.figure for name, score in table.get(measures[0], {}).items()}
    carried = _carried(measures, table)
    guess = _guess(first)
    found: dict[str, Place] = {}
    for model in among:
        scores = ((carry, table[name].get(model.hf_id)) for name, carry in carried)
        place = next((Place(carry(score.figure), score) for carry, score in scores if score), None)
        if place is not None or model.release:
            found[model.hf_id] = place or Place(guess(model), None)
    return found


class Line(NamedTuple):
    """A straight line: figures of one measure on the scale of another, and what it misses."""

    slope: float
    start: float
    missed: float = 0.0  # standard deviation

    def __call__(self, figure: float) -> float:
        """A cautious place: below what the line says."""
        return self.start + self.slope * figure - float(constants("ranking")["margin"]) * self.missed


def _carried(measures: Sequence[str], table: Table) -> list[tuple[str, Line]]:
    """Each measure that can be carried over to the first, with its line."""
    rule = constants("ranking")
    first = table.get(measures[0], {})
    found = [(measures[0], Line(1.0, 0.0))] if first else []
    for name in measures[1:]:
        both = [(score.figure, first[hf_id].figure) for hf_id, score in table.get(name, {}).items() if hf_id in first]
        if len(both) >= rule["least_common"] and correlation(both) >= rule["least_correlation"]:
            found.append((name, _line(both)))
    return found


def _line(pairs: Sequence[tuple[float, float]]) -> Line:
    """Of least squares."""
    slope, start = statistics.linear_regression(*zip(*pairs, strict=True))
    missed = sum((wanted - start - slope * own) ** 2 for own, wanted in pairs)
    return Line(slope, start, math.sqrt(missed / (len(pairs) - 2)))


def correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Pearson's; 0 where one side does not vary."""
    try:
        return statistics.correlation(*zip(*pairs, strict=True))
    except statistics.StatisticsError:
        return 0.0


class Guess(NamedTuple):
    """A score from size and age: a plane through the scored models, and what it misses."""

    base: float
    per_doubling: float
    per_month: float
    missed: float  # standard deviation

    def __call__(self, model: ModelSpec) -> float:
        """A cautious one: below what the plane says."""
        plane = self.base + self.per_doubling * doublings(model) + self.per_month * months(model)
        return plane - float(constants("ranking")["margin"]) * self.missed


def _guess(scored: Mapping[str, float]) -> Guess:
    """The plane of least squares; with few scored models size alone counts, below all of them."""
    known = [(model, scored[model.hf_id]) for model in models() if model.hf_id in scored and model.release]
    if len(known) < constants("ranking")["least_common"]:
        return Guess(min(scored.values(), default=0.0) - _BELOW, 1.0, 0.0, 0.0)
    size, age, figure = zip(*((doublings(m), months(m), figure) for m, figure in known), strict=True)
    per_doubling, per_month = _slopes(size, age, figure)
    base = statistics.fmean(figure) - per_doubling * statistics.fmean(size) - per_month * statistics.fmean(age)
    missed = [f - base - per_doubling * s - per_month * a for s, a, f in zip(size, age, figure, strict=True)]
    return Guess(base, per_doubling, per_month, math.sqrt(sum(one * one for one in missed) / (len(known) - _FITTED)))


def _slopes(size: Sequence[float], age: Sequence[float], figure: Sequence[float]) -> tuple[float, float]:
    """Of the plane of least squares, by the normal equations of two centred columns."""
    ss, aa, sa = statistics.variance(size), statistics.variance(age), statistics.covariance(size, age)
    sf, af = statistics.covariance(size, figure), statistics.covariance(age, figure)
    whole = ss * aa - sa * sa
    if whole <= 1e-9 * max(ss, 1e-9) * max(aa, 1e-9):
        return (sf / ss if ss else 0.0), 0.0
    return (sf * aa - af * sa) / whole, (af * ss - sf * sa) / whole


def doublings(model: ModelSpec) -> float:
    """log2 of the size in billions: the geometric mean of total and active parameters."""
    return math.log2(math.sqrt(model.parameters * (model.active_parameters or model.parameters)) / 1e9)


def months(model: ModelSpec) -> float:
    """Months from January 2020 to the release."""
    year, month = (int(part) for part in model.release.split("-")[:2])
    return (year - FIRST_YEAR) * 12 + month - 1


def generate(folder: Path = SOURCES) -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    table, entries = read(folder), []
    for task in constants("ranking")["tasks"]:
        found = places(task, models(), table)
        scores = [place.score for place in found.values() if place.score]
        entries += [_entry(task, score) for score in sorted(scores, key=lambda one: one.hf_id.lower())]
    return {"scores.json": document("scores", "scores", ORIGIN, entries)}


def _entry(task: str, score: Score) -> dict[str, Any]:
    return without_defaults(Score, {**{key: getattr(score, key) for key in Score.__annotations__}, "task": task})

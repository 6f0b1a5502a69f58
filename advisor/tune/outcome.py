"""What tuning came to: what was tried, what is better beyond noise, and what of the plan changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from advisor.report.differences import Changed, differences
from advisor.schema import Plan, Setting, value
from advisor.tune.noise import mean
from advisor.tune.search import START, Found
from advisor.units import count


@value
class TuneReport:
    """The answer of `advisor tune`."""

    plan: str
    engine: str
    unit: str  # of a score
    in_flight: int  # of the load that was driven
    budget_s: float
    seconds: float
    best: str  # a trial, or "as planned"
    gain: float  # over the plan as it was, as a share; 0 where it stays
    scores: Mapping[str, tuple[float, ...]]  # of every trial, in order
    turns: Mapping[str, tuple[float, ...]]  # of them those of the turns that decided
    failed: tuple[str, ...]
    not_tried: tuple[str, ...]
    because: str  # why it ended
    interrupted: bool
    settings: tuple[Setting, ...] = ()  # that changed
    summary: str = ""  # of the plan as it is now
    figures: tuple[Changed, ...] = ()  # predictions of the plan that are other ones now
    errors: tuple[str, ...] = ()
    written: tuple[str, ...] = field(default=())
    schema_version: int = 1

    @property
    def better(self) -> bool:
        """Whether anything changed."""
        return self.best != START


def because(found: Found, unit: str) -> str:
    """Why the best is the best, with the numbers of both."""
    known = found.turns if found.turns.get(found.best) else found.scores
    one, start = known[found.best], known[START]
    looks = f"{len(one)} {'looks' if len(one) > 1 else 'look'} at each"
    return f"{count(mean(one))} {unit} against {count(mean(start))} as planned, {looks}, {found.best}"


def figures_of(before: Plan, after: Plan) -> tuple[Changed, ...]:
    """The figures that `advisor plan diff` shows of the two."""
    return differences(before, after).predictions if after != before else ()


def lines(report: TuneReport) -> Iterator[str]:
    """The answer for a terminal."""
    for name, scores in report.scores.items():
        yield f"{name}: {', '.join(count(score) for score in scores)} {report.unit}"
    yield from (f"failed: {error}" for error in report.errors)
    if report.not_tried:
        yield f"not tried: {'; '.join(report.not_tried)}"
    spent = f"{report.seconds:.0f} of {report.budget_s:.0f} s, {report.because}"
    if not report.better:
        tried = report.scores.keys() - {START}
        found = "nothing was better beyond noise" if tried else "no change of it was measured"
        yield f"The plan stays as it is: {found} ({spent})."
        return
    gain = f"{report.gain:+.0%}" if report.gain else "where the plan got nothing within the targets,"
    yield f"Better: {report.best}, {gain} at {report.in_flight} in flight ({spent})."
    yield from (f"  {setting.name} {setting.value or ''}: {setting.because}" for setting in report.settings)
    yield from (f"  {each.name}: {each.before} before, now {each.after}" for each in report.figures)
    yield f"The plan says now: {report.summary}"

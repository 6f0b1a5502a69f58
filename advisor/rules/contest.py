"""Engine against engine, for the same people at the same load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants
from advisor.rules.base import MUCH_MORE_BITS, Contest
from advisor.units import count, ms


def spd210(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires from the load on at which the other engine serves each person clearly better than the simplest one."""
    simple, other = rivals(contest)
    if simple is None or other is None or not _beyond(contest, contest.ahead_from):
        return None
    return f"{_side_by_side(contest, other, simple)}{_crossing(contest)}"


def spd211(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires below that load: nothing worthwhile is gained by the other engine."""
    simple, other = rivals(contest)
    if simple is None or other is None or _beyond(contest, contest.ahead_from):
        return None
    if spd215(contest, threshold) or svc312(contest, constants("rules")["SVC312"]["threshold"]):
        return None
    return f"both meet the targets; {_side_by_side(contest, simple, other)}{_crossing(contest)}: the simpler engine"


def spd215(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires where the load makes the simplest engine take more cards than the other one needs for it.

    Else a larger load, at which the other engine is ahead, would ask for fewer cards than a smaller one.
    """
    simple, other = rivals(contest)
    if simple is None or other is None or not contest.spilled or contest.outlasted:
        return None
    if _beyond(contest, contest.ahead_from):
        return None
    more, fewer = (_cards(contest, name) for name in (simple, other))
    return (
        f"for so many {contest.titles[simple]} takes {more} cards, and {contest.titles[other]} meets the targets on "
        f"{fewer}; {_side_by_side(contest, other, simple)}"
    )


def svc312(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires for a team of some size where the other engine has what operators need and serves nobody clearly worse."""
    simple, other = rivals(contest)
    if simple is None or other is None or team_of(contest) < threshold["people"]:
        return None
    lacks = [name for name in threshold["features"] if name not in contest.features[simple]]
    has = [name for name in lacks if name in contest.features[other]]
    asked = contest.workload
    people = asked.request_rate is None and asked.concurrency is None and asked.think_time_s > 0
    if not people or not has:
        return None
    if not _beyond(contest, contest.level_from):
        return None
    return (
        f"{count(team_of(contest))} people depend on it, from {threshold['people']} on {_listed(has)} count: "
        f"{contest.titles[other]} has {'them' if len(has) > 1 else 'it'}, {contest.titles[simple]} lacks "
        f"{'them' if len(has) > 1 else 'it'}"
    )


def team_of(contest: Contest) -> float:
    """People who depend on it, also those who do not use it at this hour; what else the load is counted in."""
    return float(contest.workload.staff or contest.load)


def rivals(contest: Contest) -> tuple[str | None, str | None]:
    """The simplest engine that meets the targets, and of the others that do the one that serves people best."""
    able = [name for name in contest.meeting if name in contest.answer_s]
    if len(able) < 2:
        return None, None
    simple = min(able, key=lambda name: contest.simplicity[name])
    return simple, min((n for n in able if n != simple), key=lambda name: contest.answer_s[name])


def _cards(contest: Contest, name: str) -> int:
    """Cards of an engine's best way."""
    judged = contest.best[name]
    return judged.estimate.candidate.cards_in_all if judged else 0


def _beyond(contest: Contest, load: float | None) -> bool:
    """The load lies beyond that one, and the other engine carries at least as much as the simpler one."""
    return load is not None and contest.load >= load and not contest.outlasted


def _side_by_side(contest: Contest, one: str, other: str) -> str:
    """What a person waits and what the service carries with each, and whether they load the same weights."""
    made, pooled = contest.workload.made, contest.workload.pooled
    one_of, rate = (f"a {made}", f"{made}s/s") if pooled else (f"an {made}", "output tokens/s")
    parts = [
        f"{contest.titles[name]} takes {ms(contest.answer_s[name])} for {one_of} and gives "
        f"{count(contest.tokens_per_s[name])} {rate} in all"
        for name in (one, other)
    ]
    bits = [contest.bits[name] for name in (one, other)]
    unlike = ""
    if max(bits) >= MUCH_MORE_BITS * min(bits):
        unlike = f" (with {bits[0]:.1f} against {bits[1]:.1f} bits a weight)"
    return f"{parts[0]}, {parts[1]} at the planned load{unlike}"


def _crossing(contest: Contest) -> str:
    if contest.crossover_in_flight is None:
        return ""
    return f"; the crossover lies at {contest.crossover_in_flight:.1f} in flight"


def _listed(names: list[str]) -> str:
    words = [name.replace("_", " ") for name in names]
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]

"""Which way of one engine is taken, among those that no rule refuses.

Ways stand on *levels*, the best first: all layers on the accelerator, the more precise weights, one machine, the KV
cache as it is, and met targets also at the slow end of the range. The best level is taken on which something meets the
targets, and on it the fewest cards; with as many of them, what serves a person clearly quicker, doubtful or not. Cards
that make nothing quicker are not used, not even to keep a KV cache of 16 bits: such a way has no level to offer. A
level is given up because the load is too much for it, so that what takes its place uses no fewer cards than the given
up level could: more load never needs fewer of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from advisor.catalog import weights_format
from advisor.decide.judge import answer_s, meets, misses, sure, tokens_per_s, vetoed
from advisor.models.thinking import somebody_waits
from advisor.physics.memo import by_identity
from advisor.schema import Candidate, Estimate, Judged, ModelSpec, Question

_TIERS = {"A": 0, "B": 1, "C": 2}
_NEVER = math.inf
_AS_MUCH = 0.95
_NO_LOSS_BITS = 8.0
_HAIR = 1.01  # times as slow: nobody can tell, and it flips with any change of the question
CLEARLY = 1.25  # times as quick: a person notices
Level = tuple[int, ...]


def precision(candidate: Candidate, question: Question) -> int:
    """0: as good as the checkpoint as published, 1: a small loss, 2: a visible one."""
    if as_published(candidate.weights_format, question.model):
        return 0
    return _TIERS[weights_format(candidate.weights_format).quality_tier]


def as_published(name: str, model: ModelSpec) -> bool:
    """Whether a format keeps every weight that was published: the native one, or its numbers in another container.

    MXFP4 in a GGUF is the MXFP4 of the checkpoint. What was published in 16 bit beside it may have 8: no loss shows.
    """
    form, native = weights_format(name), weights_format(model.native_format)
    rest = form.linear_bits if form.dense_bits is None else form.dense_bits
    return form.name == native.name or (form.linear_bits == native.linear_bits and rest >= _NO_LOSS_BITS)


@by_identity
def level(judged: Judged, question: Question) -> Level:
    """The level on which a way stands; smaller is better."""
    candidate = judged.estimate.candidate
    machines = 0 if patient(question) else candidate.nodes
    doubtful = 0 if sure(judged, question) or patient(question) else 1
    return candidate.cpu_layers > 0, precision(candidate, question), machines, rounds(candidate), doubtful


def rounds(candidate: Candidate) -> bool:
    """Whether the KV cache keeps less than 16 bits."""
    return candidate.kv_cache_dtype not in ("auto", "f16", "bf16")


def patient(question: Question) -> bool:
    """Whether nobody waits: every card and machine is then there to be used."""
    return not somebody_waits(question.workload) and question.workload.request_rate is None


def chosen(able: Sequence[Judged], question: Question) -> Judged | None:
    """The preferred way of those that could run; where none meets the targets, the one that serves people best."""
    return min(able, key=preference(able, question)) if able else None


def ordered(judged: Sequence[Judged], question: Question) -> list[Judged]:
    """Who could run first, in the order of preference; then the refused, the closest first."""
    able = [one for one in judged if not vetoed(one)]
    refused = [one for one in judged if vetoed(one)]
    return sorted(able, key=preference(able, question)) + sorted(refused, key=lambda j: j.estimate.memory.short_bytes)


def preference(able: Sequence[Judged], question: Question) -> Callable[[Judged], tuple[float, ...]]:
    """What tells against a way beside these others, as numbers in the order in which they count."""
    beside = _beside(able, question)

    def key(judged: Judged) -> tuple[float, ...]:
        return tuple(number(judged, question, beside) for _, number in _REASONS)

    return key


def difference(judged: Judged, better: Judged, key: Callable[[Judged], tuple[float, ...]]) -> str:
    """In words, the first thing that tells against a way beside a better one; `key` is the preference among them."""
    pairs = zip(key(judged), key(better), _REASONS, strict=True)
    return next((words for own, other, (words, _) in pairs if own != other), _REASONS[-1][0])


class Beside(NamedTuple):
    """What the other ways leave to one."""

    cards: int  # the fewest it has to use
    rate: float  # the most output of its level
    waits: Mapping[Level, float]  # the shortest answer in seconds of a sure way, by level without doubt and cards
    quickest: Mapping[Level, float]  # of any way that meets the targets
    in_vain: frozenset[Candidate]  # ways with cards that make nothing quicker


def _beside(able: Sequence[Judged], question: Question) -> Beside:
    """The most cards that a better level could use, were it not for load and targets: what replaces it uses no fewer.

    Where nothing is sure, that is every way of the level itself: all cards help.
    """
    quicker = {} if patient(question) else {id(one): _most_as_quick(one, able) for one in able}
    worth = [one for one in able if _cards(one) <= quicker.get(id(one), _NEVER)]
    meeting = [one for one in worth if meets(one)]
    best = min((level(one, question) for one in meeting), default=())
    cards = max((_cards(one) for one in worth if (*level(one, question)[:-1], 0) < best), default=0)
    rate = max((tokens_per_s(one) for one in meeting if level(one, question) == best), default=0.0)
    certain = [one for one in meeting if sure(one, question)]
    vain = [one.estimate.candidate for one in able if cards <= quicker.get(id(one), _NEVER) < _cards(one)]
    return Beside(cards, rate, _shortest(certain, question), _shortest(meeting, question), frozenset(vain))


def _most_as_quick(judged: Judged, able: Sequence[Judged]) -> float:
    """The most cards, fewer than its own, on which the same weights serve people at least as fast; else no number."""
    form = judged.estimate.candidate.weights_format
    alike = (one for one in able if one.estimate.candidate.weights_format == form and _cards(one) < _cards(judged))
    return max((_cards(one) for one in alike if _no_slower(one.estimate, judged.estimate)), default=_NEVER)


def _no_slower(one: Estimate, other: Estimate) -> bool:
    """Whether the one is as quick within a hundredth, as expected and at the slow end of its range."""
    quick, slow = one.peak_speed, other.peak_speed
    if quick is None or slow is None or one.candidate.cpu_layers > other.candidate.cpu_layers:
        return False
    pairs = ((quick.ttft_p95_s, slow.ttft_p95_s), (quick.tpot_p95_s, slow.tpot_p95_s))
    return all(a.expected <= _HAIR * b.expected and a.high <= _HAIR * b.high for a, b in pairs)


def _shortest(ways: Sequence[Judged], question: Question) -> Mapping[Level, float]:
    found: dict[Level, float] = {}
    for one in ways:
        key = _group(one, question)
        found[key] = min(found.get(key, _NEVER), answer_s(one, question) or _NEVER)
    return found


def _group(judged: Judged, question: Question) -> Level:
    """Ways that a person can only tell apart by what they give: one level, but for the doubt, and as many cards."""
    return (*level(judged, question)[:-1], _cards(judged))


def _cards(judged: Judged) -> int:
    return judged.estimate.candidate.cards_in_all


def _against_level(place: int) -> Callable[[Judged, Question, Beside], float]:
    def number(judged: Judged, question: Question, _: Beside) -> float:
        return 0.0 if misses(judged) else float(level(judged, question)[place])

    return number


def _doubtful(judged: Judged, question: Question, beside: Beside) -> float:
    """A target may be missed; where a sure way on as many cards is clearly slower for everybody, that is worth it."""
    if misses(judged) or not level(judged, question)[-1]:
        return 0.0
    certain = beside.waits.get(_group(judged, question), 0.0)
    return float(certain < CLEARLY * (answer_s(judged, question) or _NEVER))


def _clearly_slower(judged: Judged, question: Question, beside: Beside) -> float:
    if misses(judged) or patient(question):
        return 0.0
    quickest = beside.quickest.get(_group(judged, question), 0.0)
    return float((answer_s(judged, question) or _NEVER) >= CLEARLY * quickest)


def _vain(judged: Judged, _: Question, beside: Beside) -> float:
    return float(judged.estimate.candidate in beside.in_vain and not misses(judged))


def _too_few_cards(judged: Judged, question: Question, beside: Beside) -> float:
    return 0.0 if misses(judged) or patient(question) else float(max(beside.cards - _cards(judged), 0))


def _little_output(judged: Judged, question: Question, beside: Beside) -> float:
    """Where nobody waits the most output counts; a card that adds a few percent to it is no use of a card."""
    rate = tokens_per_s(judged)
    return -rate if patient(question) and not misses(judged) and rate < _AS_MUCH * beside.rate else -math.inf


def _slow(judged: Judged, question: Question, _: Beside) -> float:
    return (answer_s(judged, question) or _NEVER) if misses(judged) else 0.0


def _shortages(judged: Judged, question: Question, _: Beside) -> float:  # noqa: ARG001 - the shape of a reason
    """Warnings about slots, KV cache and the like; a missed target is counted by itself."""
    return sum(1 for finding in judged.findings if finding.severity == "PERF") - len(misses(judged))


def _not_as_published(judged: Judged, question: Question, _: Beside) -> float:
    return float(judged.estimate.candidate.weights_format != question.model.native_format)


# What tells against a way that runs, in words and as a number; the first comes first.
_REASONS: tuple[tuple[str, Callable[[Judged, Question, Beside], float]], ...] = (
    ("has no predicted speed", lambda j, _, __: j.estimate.peak_speed is None),
    ("misses a target", lambda j, _, __: len(misses(j)) > 0),
    # Where targets are missed, the way that serves people best is the one to show; precision comes second.
    ("serves people slower", _slow),
    ("runs partly on the CPU", _against_level(0)),
    ("keeps less precision", _against_level(1)),
    # Where somebody waits, a card is given to be sure, no machine.
    ("needs more machines", _against_level(2)),
    ("needs more cards, which make nothing quicker", _vain),
    ("rounds the KV cache", _against_level(3)),
    ("may miss a target at the slow end of its range", _doubtful),
    ("leaves cards idle that a better way would have used", _too_few_cards),
    ("gives less output", _little_output),
    ("needs more cards", lambda j, _, __: _cards(j)),
    ("needs more machines", lambda j, _, __: j.estimate.candidate.nodes),
    ("serves each person clearly slower", _clearly_slower),
    ("has fewer slots or less KV cache than requests in flight", _shortages),
    ("is not the checkpoint as published", _not_as_published),
    ("gives less output", lambda j, _, __: -tokens_per_s(j)),
)

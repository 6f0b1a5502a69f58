"""The few constants that differ per machine, from everything that an engine was seen to do here.

A measured load gives three figures: output rate, TTFT and TPOT. The factors of `Tuning` are those under which the model
of `advisor/physics` meets them all best (least squares of logarithms). What no measurement says anything about stays
where the constants have it, by a wide normal prior; a measurement that contradicts all others counts little (Cauchy).

They are used only where they have proved themselves here: with each measured model left out in turn, the factors of the
others must foretell it better than the constants do. Machines differ by more than five numbers, and models too.

The factors are computed from the kept loads whenever they are read, with today's constants, and so never grow stale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from advisor.engines import ENGINES
from advisor.errors import AdvisorError
from advisor.measured.entries import MeasuredLoad, Measurement
from advisor.measured.squares import Residuals, least_squares
from advisor.physics.memo import by_identity
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.schema import Candidate, Hardware, Load, Memory, ModelSpec, Speed, value

# How far each factor may lie from 1, as the standard deviation of its logarithm: chosen wide. Where overhead and
# reading cannot be told apart, as in one stream of one model, it says how they share the difference.
PRIOR = Tuning(reading=0.6, multiplying=0.9, prefill=0.9, overhead=0.6, request=0.9)
MOST = math.log(30.0)  # of a factor
NOISE = 0.05  # of a figure between two runs
TTFT_NOISE = 0.1
BEFORE, BEFORE_LOADS = 0.2, 4.0  # the error that is expected before anything was seen, and how many loads that weighs
QUANTILE = 1.28  # of a normal distribution: 80 % lie within
_FAR = 0.06  # of the range's logarithm: for each e-fold of model size or load beyond what was measured
_OTHER_FORMAT = 0.08


@value
class Tuned:
    """What one engine's measurements on one machine come to."""

    tuning: Tuning  # as the constants have it where nothing is proved
    proved: bool  # whether it says something of models that were not measured
    error: float  # of the logarithm of a figure, beside what was measured
    entries: tuple[Measurement, ...]  # that could be used

    def spread(self, candidate: Candidate, model: ModelSpec, load: Load) -> float:
        """The factor of the range: by what the fit leaves over, wider with the distance from what was measured."""
        sizes = [entry.model.parameters for entry in self.entries]
        loads = [each.in_flight / entry.candidate.replicas for entry in self.entries for each in entry.loads]
        far = beyond(model.parameters, sizes) + beyond(max(load.in_flight, 1.0), loads)
        formats = {entry.candidate.weights_format for entry in self.entries}
        other = 0.0 if candidate.weights_format in formats else _OTHER_FORMAT
        return math.exp(QUANTILE * self.error + _FAR * far + other)

    @property
    def because(self) -> str:
        """What it rests on, for a person."""
        last = max(self.entries, key=lambda entry: entry.taken)
        models = ", ".join(sorted({entry.model.hf_id for entry in self.entries}))
        return f"measured here ({last.engine} {last.engine_version}, {models}, {last.taken[:10]})"


def beyond(asked: float, seen: Sequence[float]) -> float:
    """How far a number lies outside of others, in e-folds."""
    return max(math.log(max(asked, 1.0) / max(*seen, 1.0)), math.log(max(min(seen), 1.0) / max(asked, 1.0)), 0.0)


class _Seen:
    """One measured load with everything that its prediction needs."""

    def __init__(self, entry: Measurement, measured: MeasuredLoad, memory: Memory, hardware: Hardware) -> None:
        self.entry, self._memory, self._hardware = entry, memory, hardware
        self._load = load_of(entry, measured)
        self._logs = (
            math.log(measured.output_tokens_per_s / entry.candidate.replicas),
            math.log(measured.ttft_s),
            math.log(measured.tpot_s),
        )

    def speed(self, tuning: Tuning) -> Speed | None:
        """What the model says with these factors."""
        entry = self.entry
        return ENGINES[entry.engine].speed(
            entry.candidate, self._memory, self._hardware, entry.model, self._load, tuning
        )

    def errors(self, tuning: Tuning) -> tuple[float, float, float]:
        """Predicted over measured, as logarithms: rate, TTFT, TPOT."""
        speed = self.speed(tuning)
        if speed is None:
            return 0.0, 0.0, 0.0
        rate, ttft, tpot = self._logs
        return (
            math.log(speed.output_tokens_per_s.expected) - rate,
            math.log(speed.ttft_s.expected) - ttft,
            math.log(speed.tpot_s.expected) - tpot,
        )


def load_of(entry: Measurement, measured: MeasuredLoad) -> Load:
    """A measured load as one replica saw it."""
    return Load(
        in_flight=measured.in_flight / entry.candidate.replicas,
        input_tokens=measured.input_tokens,
        output_tokens=measured.output_tokens,
        shared_prefix_tokens=measured.shared_prefix_tokens,
        history_tokens=measured.history_tokens,
        together=share_in_step(entry.engine, measured.in_flight, measured.requests),
    )


def share_in_step(engine: str, in_flight: float, requests: int) -> float:
    """Share of a load test's requests whose prompts come with all the others'.

    Clients with equal requests march in step; where the engine ends answers early, only the first wave comes together.
    """
    if ENGINES[engine].observer().EXACT_LENGTH:
        return 1.0
    return min(in_flight / max(requests, 1), 1.0)


def tuned_for(entries: Iterable[Measurement], hardware: Hardware, candidate: Candidate) -> Tuned | None:
    """What was seen of this engine on this machine, on the same kind of device; None where nothing was."""
    alike = tuple(
        entry
        for entry in entries
        if (entry.engine, entry.candidate.device) == (candidate.engine, candidate.device)
        and entry.candidate.nodes_of_replica == candidate.nodes_of_replica
    )
    return _tuned(_same(alike), hardware) if alike else None


_KEPT: dict[tuple[int, ...], tuple[Measurement, ...]] = {}


def _same(entries: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
    """One object for the same entries, so that what follows from them is remembered."""
    return _KEPT.setdefault(tuple(map(id, entries)), entries)


@by_identity
def _tuned(entries: tuple[Measurement, ...], hardware: Hardware) -> Tuned | None:
    seen = list(_seen(entries, hardware))
    if not seen:
        return None
    proved = _proved(seen)
    tuning = _fitted(seen) if proved else AS_FITTED
    left = sum(_middle(one, tuning) ** 2 for one in seen)
    error = math.sqrt((left + BEFORE_LOADS * BEFORE**2) / (len(seen) + BEFORE_LOADS))
    used = {one.entry.id: one.entry for one in seen}
    return Tuned(tuning=tuning, proved=proved, error=error, entries=tuple(used.values()))


def _fitted(seen: Sequence[_Seen]) -> Tuning:
    """The factors under which the model of the physics meets these loads best."""

    def residuals(logs: Sequence[float]) -> Residuals:
        tuning = Tuning(*map(math.exp, logs))
        for one in seen:
            rate, ttft, tpot = one.errors(tuning)
            yield from (rate / NOISE, ttft / TTFT_NOISE, tpot / NOISE)

    return Tuning(*map(math.exp, least_squares(residuals, PRIOR, MOST)))


def _proved(seen: Sequence[_Seen]) -> bool:
    """Whether what the other models say foretells each better than no measurement does; one alone proves nothing."""
    before = after = 0.0
    models = {one.entry.model.hf_id for one in seen}
    for model in models if len(models) > 1 else ():
        tuning = _fitted([one for one in seen if one.entry.model.hf_id != model])
        asked = [one for one in seen if one.entry.model.hf_id == model]
        before += sum(_middle(one, AS_FITTED) for one in asked)
        after += sum(_middle(one, tuning) for one in asked)
    return after < before


def _middle(one: _Seen, tuning: Tuning) -> float:
    """The middle one of a load's three errors."""
    return sorted(abs(error) for error in one.errors(tuning))[1]


def _seen(entries: Iterable[Measurement], hardware: Hardware) -> Iterator[_Seen]:
    """The loads that can be predicted; an entry of other days, whose format is no longer known, says nothing."""
    for entry in entries:
        try:
            memory = ENGINES[entry.engine].memory(entry.candidate, hardware, entry.model)
            found = [_Seen(entry, measured, memory, hardware) for measured in entry.loads]
            yield from (one for one in found if one.speed(AS_FITTED) is not None)
        except (AdvisorError, ArithmeticError, LookupError, ValueError):
            continue

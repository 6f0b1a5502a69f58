"""Whether predictions of the kind have held on sources that no fit had seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from advisor.catalog import constants
from advisor.engines.devices import cards_of
from advisor.physics.speed.device import family
from advisor.physics.speed.figures import range_kind
from advisor.schema import Accelerator, Candidate, Judged, Question

MOST_ERROR = 0.25  # median, of the output rate
LEAST_HELD = 0.8  # of the measurements were no slower than the slow end of their range
LEAST_SOURCES = 3
MOST_STAGES = 2  # of a pipeline: of more of them nobody's measurements are among the sources


def is_enough(error: float, slow_end: float, sources: int) -> bool:
    """Whether a range of such a record can be called sure."""
    return error <= MOST_ERROR and slow_end >= LEAST_HELD and sources >= LEAST_SOURCES


def trusted(judged: Judged, question: Question) -> bool:
    """Whether every device in use is of a kind whose ranges held, and used in a way that was measured at all.

    What was measured here stands for itself.
    """
    speed = judged.estimate.speed
    if speed is not None and speed.output_tokens_per_s.basis == "measured":
        return True
    candidate = judged.estimate.candidate
    if _unmeasured(candidate, cards_of(candidate, question.hardware)):
        return False
    record = constants("trust")["left_out"].get(candidate.engine, {})
    kinds = {range_kind(family(card)) for card in cards_of(candidate, question.hardware)} or {"cpu"}
    return all(kind in record and _is_good(record[kind]) for kind in kinds)


def _unmeasured(candidate: Candidate, cards: Sequence[Accelerator]) -> bool:
    """Slices of a card, long pipelines, cards of several kinds that work in step: worked out, and never measured."""
    sliced = any(card.mig_profile for card in cards)
    mixed = candidate.tensor_parallel > 1 and len({card.name for card in cards}) > 1
    return sliced or mixed or candidate.pipeline_parallel > MOST_STAGES


def _is_good(record: Mapping[str, float]) -> bool:
    return is_enough(record["error"], record["slow_end"], int(record["sources"]))

"""How sure the verdict is, a no as well as a yes."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.catalog import weights_format
from advisor.decide.judge import hopeless, misses, sure
from advisor.decide.trusted import trusted
from advisor.models.names import is_guess
from advisor.physics.memory.stored import stored
from advisor.rules import VETO
from advisor.schema import Confidence, Judged, Question

UNSURE = ("FIT110", "OPS417")  # rules that say of a card that its speed, or its memory, is not certain
WIDE_SPREAD = 0.08  # of a stored size: from it on a no may turn on the size
NEAR = 0.05  # of the memory: what is short by less may fit after all


def confidence(winner: Judged | None, judged: Sequence[Judged], question: Question) -> Confidence:
    """High: the whole range agrees with the verdict; low: it rests on a name, or on a device that was never measured.

    A yes is high where the slow end of the range meets the targets too; a no, where the fast end misses one. Both only
    where such ranges held on sources that no fit had seen, and where the model's dimensions are surely known.
    """
    if is_guess(question.model):
        return "low"
    if winner is None:
        return _of_refusal(judged, question)
    speed = winner.estimate.peak_speed
    if speed is None or speed.output_tokens_per_s.basis == "analytic":
        return "low"
    if winner.estimate.candidate.eager or winner.estimate.candidate.text_only:
        return "medium"  # at the edge of what starts at all
    if misses(winner):
        known = trusted(winner, question) and question.model.confidence == "high"
        return "high" if known and hopeless(winner, question) else "medium"
    certain = sure(winner, question) and trusted(winner, question) and question.model.confidence == "high"
    return "high" if certain and not _unsure(winner) else "medium"


def _known_size(judged: Judged, question: Question) -> bool:
    """Whether the bytes of its repository are known well enough for a no: those planned with are the upper end."""
    fmt = weights_format(judged.estimate.candidate.weights_format)
    return stored(question.model, fmt).spread <= WIDE_SPREAD


def _unsure(judged: Judged) -> bool:
    """Whether the card's speed or memory is not certain, and the answer turns on it."""
    return any(finding.rule in UNSURE for finding in judged.findings)


def _of_refusal(judged: Sequence[Judged], question: Question) -> Confidence:
    """Nothing can run: surely, unless memory alone refuses a way and lacks little, or the model's size is uncertain."""
    if not all(_known_size(one, question) and not _unsure(one) for one in judged):
        return "medium"
    memory = [one for one in judged if _only_memory(one)]
    if any(one.estimate.memory.short_bytes <= NEAR * one.estimate.memory.device_bytes for one in memory):
        return "medium"
    return "high" if question.model.confidence == "high" else "medium"


def _only_memory(judged: Judged) -> bool:
    refused = {finding.rule for finding in judged.findings if finding.severity in VETO}
    return bool(refused) and refused <= {"FIT101", "FIT102"}

"""How much the gateway lets through at a time: the size of a request, its time, and when to come again."""

from __future__ import annotations

import math

from advisor.engines.admission import answer_s
from advisor.models.thinking import written_tokens
from advisor.schema import Plan
from advisor.units import MIB

BYTES_PER_TOKEN = 16  # of a request's body: at most 12 for a character that JSON escapes, and a token is seldom less
ENVELOPE_BYTES = MIB  # names, roles, tool descriptions
IMAGE_BYTES = 32 * MIB  # a few photographs as base64
EMBED_BATCH = 64  # texts in one request for vectors
_MORE_PASSAGES = 2  # of a ranking, over those that are planned
SHORTEST_LIMIT_S, LONGEST_LIMIT_S = 600, 7200  # of one request
LONGEST_RETRY_S = 30


def body_bytes(plan: Plan) -> int:
    """The largest body that a request of the planned context can need."""
    texts = {"embed": EMBED_BATCH, "rerank": _MORE_PASSAGES * plan.workload.passages}.get(plan.workload.kind, 1)
    tokens = plan.estimate.candidate.context_tokens * texts
    return ENVELOPE_BYTES + BYTES_PER_TOKEN * tokens + (IMAGE_BYTES if plan.model.multimodal else 0)


def limit_s(plan: Plan) -> int:
    """Twice the time of an answer that fills the whole context at peak, in minutes; 10 minutes to 2 hours."""
    longest = answer_s(plan.estimate, plan.estimate.candidate.context_tokens)
    if longest is None:
        return LONGEST_LIMIT_S
    return min(max(60 * math.ceil(2 * longest / 60), SHORTEST_LIMIT_S), LONGEST_LIMIT_S)


def retry_s(plan: Plan) -> int:
    """Half an ordinary answer: by then about half of what runs now has made room; 1 to 30 s."""
    answer = answer_s(plan.estimate, written_tokens(plan.workload, plan.model)) or 2.0
    return min(max(math.ceil(answer / 2), 1), LONGEST_RETRY_S)

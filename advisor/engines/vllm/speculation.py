"""Drafted tokens: which way a model has, what it takes of memory, and by how much it speeds up who is alone.

A step verifies `tokens` drafts beside the one it writes and keeps those that are right, 1 + p + p^2 + ... of them on
average; each draft costs one layer and the output head. It pays where a step waits for memory: with few in flight.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from advisor.catalog import constants
from advisor.engines.vllm.memory import replica_pool
from advisor.engines.vllm.rows import flag
from advisor.physics.memory.blocks import attention_layers
from advisor.physics.memory.kv import declared_state_bytes
from advisor.physics.speed.speculation import kept_tokens
from advisor.schema import Candidate, Estimate, ModelSpec, Setting, Workload
from advisor.units import count, gib

MOST_IN_FLIGHT = 4  # of a replica: beyond it drafts compete with other people's tokens
ELEMENT_BYTES = 2  # heads are kept in 16 bit, also in checkpoints of fewer


class Drafter(NamedTuple):
    """How a model's tokens are drafted."""

    method: str
    tokens: int
    repository: str = ""  # empty: the head is in the model's own checkpoint


def drafter(candidate: Candidate, workload: Workload, model: ModelSpec) -> Drafter | None:
    """The head of the checkpoint that is loaded, else a published drafter; None: there is neither.

    Copies by others often leave the head out, so that it is counted on only in the maker's own repositories. A drafter
    is a repository of its own, which an offline machine does not have.
    """
    known = constants("speculation")
    if candidate.model_ref.split("/")[0] == model.hf_id.split("/")[0] and model.hf_id in known["heads"]:
        return Drafter("mtp", known["heads"][model.hf_id])
    found = None if workload.offline else known["drafters"].get(model.hf_id)
    return Drafter(found["method"], found["tokens"], found["model"]) if found else None


def drafts(estimate: Estimate, workload: Workload, model: ModelSpec) -> Drafter | None:
    """The drafter to serve with: few in flight, decode bound by memory, and room for it beside what is planned."""
    candidate, speed = estimate.candidate, estimate.peak_speed
    few = estimate.peak_in_flight <= MOST_IN_FLIGHT * candidate.replicas and estimate.burst <= MOST_IN_FLIGHT
    plain = candidate.pipeline_parallel == 1 and not model.adapters and not candidate.eager
    if not few or not plain or candidate.device != "gpu" or speed is None or speed.bound != "bandwidth":
        return None
    found = drafter(candidate, workload, model)
    if found is None or gain(model, found)[0] < 1.0:
        return None
    return found if sequences_left(estimate, model, found) >= max(estimate.peak_in_flight, 1) else None


def sequences_left(estimate: Estimate, model: ModelSpec, wanted: Drafter) -> float:
    """Requests of full context that still fit one replica beside the drafter and its own cache."""
    memory, candidate = estimate.memory, estimate.candidate
    left = max(memory.kv_bytes - head_bytes(model, wanted) - _state_bytes(candidate, model, wanted), 0.0)
    layers = max(attention_layers(model), 1)
    return replica_pool(candidate, model).sequences(left * layers / (layers + 1))


def head_bytes(model: ModelSpec, wanted: Drafter) -> float:
    """One more layer and what joins it to the last state; a drafter's own output head too. Counted whole on a card."""
    heads, cached = model.heads * model.head_dim, model.kv_heads * model.head_dim
    attention = model.hidden * (3 * heads + 2 * cached)  # with a gate, as some have
    wide = model.expert_intermediate * (model.experts + model.shared_experts) if model.experts else model.intermediate
    inner = 0 if wanted.repository and model.experts else 3 * model.hidden * wide
    inner = min(inner, 2 * model.parameters // max(model.layers, 1))  # experts may be narrower than the model
    head = model.hidden * constants("speculation")["drafter_vocabulary"] if wanted.repository else 0
    return float(ELEMENT_BYTES * (attention + inner + 3 * model.hidden**2 + head))


def _state_bytes(candidate: Candidate, model: ModelSpec, wanted: Drafter) -> float:
    """States of linear layers, one for every draft of every sequence."""
    if not model.layers_linear:
        return 0.0
    each = declared_state_bytes(model) * model.layers_linear / candidate.tensor_parallel
    return wanted.tokens * candidate.max_in_flight * each


def gain(model: ModelSpec, wanted: Drafter) -> tuple[float, float]:
    """How many times as fast one stream gets, between the least and the highest chance that is usual."""
    chances = constants("speculation")["kept_chance"]
    head = model.hidden * model.vocab / (model.active_parameters or model.parameters)
    cost = 1.0 + wanted.tokens * (1.0 / max(model.layers, 1) + head) + _woken(model, wanted.tokens + 1)
    low, high = (kept_tokens(chances[name], wanted.tokens) for name in ("least", "most"))
    return low / cost, high / cost


def _woken(model: ModelSpec, tokens: int) -> float:
    """What a step over so many tokens reads more than that of one, in steps: further tokens wake further experts."""
    if not model.experts or not model.active_parameters:
        return 0.0
    layers = model.layers - model.first_dense_layers
    routed = 3 * model.hidden * model.expert_intermediate * model.experts_per_token * layers
    share = min(routed / model.active_parameters, 1.0)
    asleep = 1.0 - model.experts_per_token / model.experts
    return share * ((1.0 - asleep**tokens) / (1.0 - asleep) - 1.0)


def speculation_settings(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    """The flag, with what it takes and gives; what it gives is in no figure of the plan."""
    found = drafts(estimate, workload, model)
    if found is None:
        return []
    value: dict[str, Any] = {"method": found.method, "num_speculative_tokens": found.tokens}
    whose = "the model's own head"
    if found.repository:
        value["model"], whose = found.repository, found.repository
        pinned = model.revisions.get(found.repository)
        value |= {"revision": pinned.name} if pinned else {}
    least, most = gain(model, found)
    room = count(int(sequences_left(estimate, model, found) * estimate.candidate.context_tokens))
    reason = (
        f"{whose} drafts {found.tokens} tokens a step for {estimate.peak_in_flight} in flight: {least:.1f} to "
        f"{most:.1f} times as fast for one (analytic; not counted in the prediction), less with each more; it takes "
        f"{gib(round(head_bytes(model, found)))} and leaves room for {room} tokens"
    )
    return [flag("--speculative-config", json.dumps(value), reason, "engines-vllm-speculative")]

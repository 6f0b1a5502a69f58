"""A configuration made ready for any load: facts, device, kernel, and the engine's step built from them."""

from __future__ import annotations

import math
from typing import NamedTuple

from advisor.catalog import constants, weights_format
from advisor.physics.memory.kv import bytes_per_element, shard_share
from advisor.physics.speed.device import Device, cpu_device, device_of
from advisor.physics.speed.facts import facts_of, held_bytes
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.internode import NO_HOPS, Hops
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.step import Facts, StepModel
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.physics.speed.version import years_old
from advisor.schema import Candidate, Hardware, Load, Memory, ModelSpec


class Prepared(NamedTuple):
    """Everything about a configuration that depends neither on the load nor on fitted constants."""

    fit: str  # whose constants hold for it: an entry of speed.yaml
    facts: Facts
    device: Device
    kernel: str
    backend: str  # of those kernels: "cuda", "rocm", "vulkan", ...; "" where an engine has one for a card
    peak: float  # FLOP/s of that kernel's data type
    age: float  # years of the engine's version before the pinned one
    tensor: int
    pipeline: int
    kv_share: float
    chunk_tokens: int
    offload_bytes: float  # active weights that lie on the CPU
    host_bytes_per_s: float
    hops: Hops = NO_HOPS  # between machines


class Setup(NamedTuple):
    """A configuration with its step."""

    step: StepModel
    prepared: Prepared
    tuning: Tuning = AS_FITTED

    def tuned(self, tuning: Tuning) -> Setup:
        """The same on a machine that was measured."""
        if tuning == AS_FITTED:
            return self
        known = self.prepared._replace(device=tuning.device(self.prepared.device))
        return Setup(tuning.step(self.step), known, tuning)

    @property
    def working_cards(self) -> int:
        """Cards that work at the same time, for the roofline."""
        return self.prepared.tensor * self.prepared.pipeline


def prepare(
    candidate: Candidate, hardware: Hardware, model: ModelSpec, *, fit: str, version: str, chunk_tokens: int
) -> Prepared | None:
    """Facts and device of a candidate, its kernel still open; None where the device's bandwidth is not known.

    Args:
        candidate: how the model is run.
        hardware: the machine.
        model: the architecture.
        fit: the constants of speed.yaml that were fitted to this engine's kernels.
        version: of the engine, as people write it; "" is the one that the constants are for.
        chunk_tokens: prompt tokens that share one reading of the weights.
    """
    device = device_of(candidate, hardware)
    if device is None:
        return None
    fmt = weights_format(candidate.weights_format)
    facts = facts_of(model, fmt, bytes_per_element(candidate.kv_cache_dtype, fmt))
    share = min(candidate.cpu_layers / max(facts.layers, 1), 1.0)
    offloaded = (facts.dense_bytes + facts.expert_bytes * facts.expert_share) * share
    return Prepared(
        fit=fit,
        facts=facts,
        device=device,
        kernel="",
        backend="",
        peak=device.flops_16,
        age=years_old(fit, version),
        tensor=candidate.tensor_parallel,
        pipeline=max(device.cards // candidate.tensor_parallel, 1),
        kv_share=shard_share(model, candidate.tensor_parallel),
        chunk_tokens=max(chunk_tokens, 1),
        offload_bytes=offloaded,
        host_bytes_per_s=cpu_device(hardware.cpu).bandwidth if offloaded else 1.0,
    )


def fitted(fit: str) -> Constants:
    """The constants of that entry of speed.yaml."""
    values: Constants = constants("speed")[fit]
    return values


def running_sequences(facts: Facts, memory: Memory, candidate: Candidate, load: Load) -> float:
    """How many requests of this load the KV cache holds at once: each has its prompt and on average half its answer."""
    full = held_bytes(facts, candidate.context_tokens)
    if not full:  # an encoder keeps nothing: its slots are the limit
        return memory.full_sequences / load.passages
    return memory.full_sequences * full / _own_bytes(facts, load, 0.5)


def left_share(facts: Facts, load: Load) -> float:
    """What a request holds while it runs, over what it leaves behind: its prompt and the whole answer."""
    return _own_bytes(facts, load, 0.5) / _own_bytes(facts, load, 1.0)


def left_bytes(facts: Facts, load: Load) -> float:
    """KV cache that a request leaves behind: its prompt and the whole answer."""
    return _own_bytes(facts, load, 1.0)


def _own_bytes(facts: Facts, load: Load, written: float) -> float:
    """KV cache of one request that has written this part of its answer, beside what all of them share."""
    own = load.input_tokens + written * load.output_tokens - load.shared_prefix_tokens
    return max(held_bytes(facts, max(own, 1.0)), 1.0)


def discipline(
    values: Constants, slots: float, chunk_tokens: float, *, sequences: float = math.inf, together: float = 0.0,
    own_request_s: float = 0.0, age: float = 0.0,
) -> Discipline:  # fmt: skip
    """The fitted latencies with an engine's limits: those of its cache where it has one, and what comes together.

    The latency of the server around the engine falls with its versions as its other work on the CPU does;
    `own_request_s` is what this server adds to it in every version.
    """
    slower = values["overhead_per_year"] ** age
    return Discipline(
        slots=slots,
        sequences=sequences,
        request_s=slower * values["request_s"] + own_request_s,
        serial_s=values["serial_s"],
        burst=values["burst"],
        chunk_tokens=chunk_tokens,
        token_s=slower * values["request_token_s"],
        together=together,
    )

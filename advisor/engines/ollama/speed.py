"""How fast Ollama is: llama.cpp's kernels, a fixed number of slots, and a few hundred milliseconds of its own."""

from __future__ import annotations

from advisor.engines.llamacpp.speed import FIT, MICRO_BATCH_TOKENS, Server, prepared, step_of
from advisor.engines.ollama.sizing import single_slot, with_slots
from advisor.physics.memo import by_identity, by_value_and_identity
from advisor.physics.speed.figures import speed_value
from advisor.physics.speed.prompts import Served, kept_share, served
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.setup import Setup, discipline, fitted, left_bytes
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.schema import Candidate, Hardware, Load, Memory, ModelSpec, Speed
from advisor.units import GIB

PROMPT_CACHE_BYTES = 8.0 * GIB  # llama-server's own --cache-ram, which Ollama leaves as it is
PROMPT_CACHE_SHARE = 0.125  # assumed: of the host's memory where that is less


def server(values: Constants) -> Server:
    """What Ollama adds to llama.cpp: its build of the kernels takes a little longer, and so does its own server."""
    return Server(values["ollama_step"], values["ollama_request_s"], values["ollama_logit_s"])


@by_identity
def setup(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Setup | None:
    """The pinned version's step; None where the device's bandwidth is not known. Any number of slots takes it."""
    return _setup(with_slots(candidate, 1), hardware, model)


@by_value_and_identity
def _setup(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Setup | None:
    known = prepared(candidate, hardware, model)
    values = fitted(FIT)
    return None if known is None else Setup(step_of(known, values, server(values)), known)


def slots_of(candidate: Candidate, model: ModelSpec) -> int:
    """Slots as given, but one for the families that Ollama serves one request at a time."""
    return 1 if single_slot(model) else max(candidate.max_in_flight, 1)


def steady(ready: Setup, candidate: Candidate, model: ModelSpec, load: Load, host_bytes: float = 0.0) -> Served:
    """What `load` makes of one replica: the slots run, the others wait outside without bound.

    KV is allocated per slot, up front. A slot keeps the conversation that ran in it last; those that it had before
    lie in `host_bytes` of the host's memory, from which llama-server takes them back.
    """
    chunk = max(candidate.max_batched_tokens, MICRO_BATCH_TOKENS)
    values, slots = fitted(FIT), slots_of(candidate, model)
    own_s = server(values).request_s
    rule = ready.tuning.rule(discipline(values, slots, chunk, together=load.together, own_request_s=own_s))
    longest = candidate.context_tokens - load.output_tokens
    room = max(slots - load.in_flight, 0.0) + host_bytes / left_bytes(ready.prepared.facts, load)
    kept = kept_share(room, load, candidate.replicas, min(load.in_flight, slots))
    return served(ready.step, rule, load, kept, longest)


def prompt_cache_bytes(hardware: Hardware) -> float:
    """Host memory that llama-server keeps prompts in: its own limit, and on a small machine a part of what there is."""
    return min(PROMPT_CACHE_BYTES, PROMPT_CACHE_SHARE * hardware.cpu.memory_bytes)


def speed(
    candidate: Candidate,
    memory: Memory,  # noqa: ARG001 - Ollama's slots own their KV; the interface is every engine's
    hardware: Hardware,
    model: ModelSpec,
    load: Load,
    tuning: Tuning = AS_FITTED,
) -> Speed | None:
    """Steady state of one replica under `load`; None where the device's speed is not known."""
    ready = setup(candidate, hardware, model)
    if ready is None:
        return None
    ready = ready.tuned(tuning)
    found = steady(ready, candidate, model, load, prompt_cache_bytes(hardware))
    return speed_value(ready, found, load.in_flight)

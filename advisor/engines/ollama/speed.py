"""How fast Ollama is: llama.cpp's kernels, a fixed number of slots, and a few hundred milliseconds of its own."""

from __future__ import annotations

from advisor.engines.llamacpp.speed import FIT, MICRO_BATCH_TOKENS, Server, prepared, step_of
from advisor.engines.ollama.sizing import single_slot
from advisor.physics.memo import by_identity
from advisor.physics.speed.figures import speed_value
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.serving import Steady, closed_loop, open_loop
from advisor.physics.speed.setup import Setup, discipline, fitted
from advisor.schema import Candidate, Hardware, Load, Memory, ModelSpec, Speed


def server(values: Constants) -> Server:
    """What Ollama adds to llama.cpp: its build of the kernels takes a little longer, and so does its own server."""
    return Server(values["ollama_step"], values["ollama_request_s"])


@by_identity
def setup(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Setup | None:
    """The pinned version's step; None where the device's bandwidth is not known."""
    known = prepared(candidate, hardware, model)
    values = fitted(FIT)
    return None if known is None else Setup(step_of(known, values, server(values)), known)


def slots_of(candidate: Candidate, model: ModelSpec) -> int:
    """Slots as given, but one for the families that Ollama serves one request at a time."""
    return 1 if single_slot(model) else max(candidate.max_in_flight, 1)


def steady(ready: Setup, candidate: Candidate, model: ModelSpec, load: Load) -> Steady:
    """The steady state under `load`: a closed loop, or an open one where a rate is given.

    The slots run; the others wait outside without bound. KV is allocated per slot, up front.
    """
    chunk = max(candidate.max_batched_tokens, MICRO_BATCH_TOKENS)
    values = fitted(FIT)
    rule = discipline(values, slots_of(candidate, model), chunk, own_request_s=server(values).request_s)
    rule = rule._replace(together=load.together)
    if load.request_rate is not None:
        return open_loop(
            ready.step, rule, load.request_rate, load.input_tokens, load.output_tokens, load.shared_prefix_tokens
        )
    return closed_loop(
        ready.step, rule, load.in_flight, load.input_tokens, load.output_tokens, load.shared_prefix_tokens
    )


def speed(
    candidate: Candidate,
    memory: Memory,  # noqa: ARG001 - Ollama's slots own their KV; the interface is every engine's
    hardware: Hardware,
    model: ModelSpec,
    load: Load,
) -> Speed | None:
    """Steady state of one replica under `load`; None where the device's speed is not known."""
    ready = setup(candidate, hardware, model)
    if ready is None:
        return None
    return speed_value(ready, steady(ready, candidate, model, load), load.in_flight)

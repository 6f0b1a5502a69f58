"""How fast Ollama is: llama.cpp's kernels, a fixed number of slots, and a few hundred milliseconds of its own."""

from __future__ import annotations

from advisor.catalog import weights_format
from advisor.engines.ollama.sizing import single_slot
from advisor.physics.memo import by_identity
from advisor.physics.speed.figures import speed_value
from advisor.physics.speed.rates import Constants, llamacpp_kernel, llamacpp_rates
from advisor.physics.speed.serving import Steady, closed_loop, open_loop
from advisor.physics.speed.setup import Prepared, Setup, discipline, fitted, prepare
from advisor.physics.speed.step import StepModel, step_model
from advisor.schema import Candidate, Hardware, Load, Memory, ModelSpec, Speed

MICRO_BATCH_TOKENS = 512  # n_ubatch: prompt tokens that share one reading of the weights (ollama-0.34-source)


def prepared(
    candidate: Candidate, hardware: Hardware, model: ModelSpec, engine: str = "ollama", version: str = ""
) -> Prepared | None:
    """What the step is built from; None where the device's bandwidth is not known.

    Args:
        candidate: layers are split over its cards, and one card works at a time.
        hardware: the machine.
        model: the architecture.
        engine: "ollama", or "llama.cpp" for the server without Ollama around it.
        version: of that engine; "" is the pinned one.
    """
    found = prepare(candidate, hardware, model, engine=engine, version=version, chunk_tokens=MICRO_BATCH_TOKENS)
    if found is None:
        return None
    return found._replace(kernel=llamacpp_kernel(weights_format(candidate.weights_format)))


def step_of(known: Prepared, values: Constants, *, ollama: bool) -> StepModel:
    """The step with these constants; Ollama's build of the same kernels takes a little longer."""
    rates = llamacpp_rates(values, known.device, known.kernel, known.facts, known.age)
    if ollama:
        slower = values["ollama_step"]
        rates = rates._replace(
            overhead_s=rates.overhead_s * slower,
            bytes_per_s=rates.bytes_per_s / slower,
            expert_bytes_per_s=rates.expert_bytes_per_s / slower,
        )
    host = known.host_bytes_per_s * values["bandwidth"] * values.get("bandwidth.cpu", 1.0)
    return step_model(
        known.facts,
        rates,
        tensor_parallel=known.tensor,
        pipeline_parallel=known.pipeline,
        overlapping_stages=False,
        kv_share=known.kv_share,
        chunk_tokens=known.chunk_tokens,
        offload_share=known.offload_bytes / max(known.facts.active_bytes, 1.0),
        host_bytes_per_s=host,
        power_share=known.device.power_share * known.pipeline,  # one card works at a time
    )


@by_identity
def setup(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Setup | None:
    """The pinned version's step; None where the device's bandwidth is not known."""
    known = prepared(candidate, hardware, model)
    return None if known is None else Setup(step_of(known, fitted("llamacpp"), ollama=True), known)


def slots_of(candidate: Candidate, model: ModelSpec) -> int:
    """Slots as given, but one for the families that Ollama serves one request at a time."""
    return 1 if single_slot(model) else max(candidate.max_in_flight, 1)


def steady(ready: Setup, candidate: Candidate, model: ModelSpec, load: Load) -> Steady:
    """The steady state under `load`: a closed loop, or an open one where a rate is given.

    The slots run; the others wait outside without bound. KV is allocated per slot, up front.
    """
    chunk = max(candidate.max_batched_tokens, MICRO_BATCH_TOKENS)
    rule = discipline(fitted("llamacpp"), slots_of(candidate, model), chunk, ollama=True)
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
    return speed_value("llamacpp", ready, steady(ready, candidate, model, load), load.in_flight)

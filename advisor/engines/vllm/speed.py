"""How fast vLLM is: continuous batching, prompts in chunks beside the decodes, tensor and pipeline parallel."""

from __future__ import annotations

import dataclasses

from advisor.catalog import weights_format
from advisor.engines.vllm.cores import threads_of
from advisor.engines.vllm.rates import kernel_of, rates_of
from advisor.frozen import replace
from advisor.physics.memo import by_identity, by_value_and_identity
from advisor.physics.speed.device import with_threads
from advisor.physics.speed.figures import speed_value
from advisor.physics.speed.internode import hops_of, less_certain
from advisor.physics.speed.prompts import Served, kept_share, served
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.setup import Prepared, Setup, discipline, fitted, left_share, prepare, running_sequences
from advisor.physics.speed.step import StepModel, step_model
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.schema import Candidate, Hardware, Load, Memory, ModelSpec, Speed

FIT = "vllm"  # its constants in speed.yaml
LAUNCH_S_PER_LAYER = 1.2e-4  # without CUDA graphs: a dozen kernels of a layer at 10 microseconds each (assumed)


def prepared(candidate: Candidate, hardware: Hardware, model: ModelSpec, version: str = "") -> Prepared | None:
    """What one replica's step is built from, in that version of vLLM ("" is the pinned one)."""
    chunk = candidate.max_batched_tokens
    found = prepare(candidate, hardware, model, fit=FIT, version=version, chunk_tokens=chunk)
    if found is None:
        return None
    if candidate.device == "cpu":
        threads = threads_of(candidate, hardware.cpu)
        found = found._replace(device=with_threads(found.device, threads, hardware.cpu.cores))
    kernel, peak = kernel_of(weights_format(candidate.weights_format), found.device)
    hops = hops_of(candidate, hardware, model)
    return found._replace(kernel=kernel, peak=peak, pipeline=candidate.pipeline_parallel, hops=hops)


def step_of(known: Prepared, values: Constants) -> StepModel:
    """The step of one replica with these constants."""
    return step_model(
        known.facts,
        rates_of(values, known.device, known.kernel, known.peak, known.facts, known.age),
        tensor_parallel=known.tensor,
        pipeline_parallel=known.pipeline,
        overlapping_stages=True,
        kv_share=known.kv_share,
        chunk_tokens=known.chunk_tokens,
        hops=known.hops,
        power_share=known.device.power_share,
    )


@by_identity
def setup(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Setup | None:
    """The pinned version's step; None where the device's bandwidth is not known. Any number of slots takes it."""
    return _setup(replace(candidate, max_in_flight=1), hardware, model)


@by_value_and_identity
def _setup(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Setup | None:
    known = prepared(candidate, hardware, model)
    if known is None:
        return None
    step = step_of(known, fitted(FIT))
    if candidate.eager:
        step = dataclasses.replace(
            step, overhead_s=step.overhead_s + LAUNCH_S_PER_LAYER * model.layers / candidate.pipeline_parallel
        )
    if candidate.stage_layers:  # the others wait for the longest stage
        step = dataclasses.replace(step, stages=sum(candidate.stage_layers) / max(candidate.stage_layers))
    return Setup(step, known)


def steady(ready: Setup, candidate: Candidate, memory: Memory, load: Load) -> Served:
    """What `load` makes of one replica; the blocks that no running request needs keep what others left."""
    facts = ready.prepared.facts
    sequences, slots = running_sequences(facts, memory, candidate, load), candidate.max_in_flight
    rule = discipline(fitted(FIT), slots, candidate.max_batched_tokens, sequences=sequences, together=load.together)
    rule = ready.tuning.rule(rule)
    running = min(load.in_flight, candidate.max_in_flight, sequences)
    longest = load.passages * candidate.context_tokens - load.output_tokens
    room = (sequences - running) * left_share(facts, load)
    return served(ready.step, rule, load, kept_share(room, load, candidate.replicas, running), longest)


def speed(
    candidate: Candidate,
    memory: Memory,
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
    found = speed_value(ready, steady(ready, candidate, memory, load), load.in_flight)
    return less_certain(found) if ready.prepared.hops.borders else found

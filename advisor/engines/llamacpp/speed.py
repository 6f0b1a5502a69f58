"""The step of llama.cpp's kernels, and the discipline of the server around them: Ollama, or a plain llama-server."""

from __future__ import annotations

from typing import NamedTuple

from advisor.catalog import weights_format
from advisor.catalog.vendors import vendor_of
from advisor.engines.llamacpp.rates import backend_of, kernel_of, rates_of
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.setup import Prepared, prepare
from advisor.physics.speed.step import StepModel, step_model
from advisor.schema import Candidate, Hardware, ModelSpec

FIT = "llamacpp"  # its constants in speed.yaml
MICRO_BATCH_TOKENS = 512  # n_ubatch: prompt tokens that share one reading of the weights (ollama-0.34-source)


class Server(NamedTuple):
    """What a server adds to the kernels."""

    slower: float = 1.0  # its build of the same kernels takes this many times as long
    request_s: float = 0.0  # latency of its own, per request
    logit_s: float = 0.0  # sampling, on the processor and one sequence after the other: per entry of the vocabulary


BENCH = Server()  # the kernels alone, as llama-bench runs them: nothing is sampled


def llama_server(values: Constants) -> Server:
    """llama.cpp's own server: it samples, and the constants are those of its kernels."""
    return Server(logit_s=values["logit_s"])


def prepared(
    candidate: Candidate, hardware: Hardware, model: ModelSpec, version: str = "", server: str = ""
) -> Prepared | None:
    """What the step is built from; None where the device's bandwidth is not known.

    Args:
        candidate: layers are split over its cards, and one card works at a time.
        hardware: the machine.
        model: the architecture.
        version: of the server; "" is the pinned one.
        server: its name with what may stand in parentheses behind it: a back end.
    """
    found = prepare(candidate, hardware, model, fit=FIT, version=version, chunk_tokens=MICRO_BATCH_TOKENS)
    if found is None:
        return None
    backend = backend_of(f"{server} {version}", _usual_backend(hardware)) if candidate.device != "cpu" else ""
    return found._replace(kernel=kernel_of(weights_format(candidate.weights_format)), backend=backend)


def _usual_backend(hardware: Hardware) -> str:
    """That of Ollama's build for the cards; none is known for makers that it has no build for."""
    build = vendor_of(hardware.accelerators[0]).builds.get("ollama") if hardware.accelerators else None
    return build.backend if build else ""


def step_of(known: Prepared, values: Constants, server: Server) -> StepModel:
    """The step with these constants in that server's build."""
    rates = rates_of(values, known.device, known.kernel, known.backend, known.facts, known.age)
    rates = rates._replace(
        overhead_s=rates.overhead_s * server.slower,
        sequence_s=rates.sequence_s + server.logit_s * known.facts.vocabulary,
        bytes_per_s=rates.bytes_per_s / server.slower,
        expert_bytes_per_s=rates.expert_bytes_per_s / server.slower,
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

"""Every setting of `vllm serve` with its reason and numbers; only forms that 0.19 to 0.33 all take."""

from __future__ import annotations

from advisor.catalog import weights_format
from advisor.catalog.flags import accepted
from advisor.catalog.vendors import card_variables
from advisor.engines.accepted import require
from advisor.engines.devices import at_least, capability, cards_of
from advisor.engines.naming import served_name
from advisor.engines.versions import version_of, within
from advisor.engines.vllm.adapters import adapter_settings
from advisor.engines.vllm.defaults import device_defaults
from advisor.engines.vllm.edge import edge_settings
from advisor.engines.vllm.kv_types import only_flashinfer
from advisor.engines.vllm.memory import default_utilization, highest_utilization, scratch_bytes
from advisor.engines.vllm.needs import kv_cache_dtype, needs, stretched
from advisor.engines.vllm.revision import revision_settings
from advisor.engines.vllm.rows import POSITIONAL, VARIABLES, flag
from advisor.engines.vllm.service import environment, features, service
from advisor.engines.vllm.sizing import chunk_limit
from advisor.engines.vllm.weights import is_online
from advisor.models.fp8_blocks import whole_experts
from advisor.models.purpose import purpose
from advisor.physics.memory.cards import usable_bytes
from advisor.schema import Candidate, Estimate, Hardware, ModelSpec, Setting, Workload
from advisor.units import count, gib, several

DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


def settings(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Setting, ...]:
    """All arguments and variables in the order they are written, each accepted by the planned version."""
    parts = (
        _weights(estimate, hardware, model),
        _parallelism(estimate, model),
        _context(estimate, workload, model),
        _batch(estimate, hardware, workload, model),
        _memory(estimate, hardware, model),
        edge_settings(estimate.candidate, model),
        adapter_settings(model),
        features(estimate, workload, model),
        service(estimate, workload, model),
        environment(estimate, hardware, workload, model),
    )
    known = {"flag": {POSITIONAL, *accepted("vllm")["flag"]}, "env": VARIABLES | card_variables("vllm")}
    rows = require("vLLM", tuple(setting for part in parts for setting in part), known)
    return within("vllm", version_of("vllm", hardware, workload, model), rows)


def _weights(estimate: Estimate, hardware: Hardware, model: ModelSpec) -> list[Setting]:
    candidate, fmt = estimate.candidate, weights_format(estimate.candidate.weights_format)
    where = "this folder" if model.path else "the Hub"
    size = f"{fmt.title} weights from {where}: {gib(estimate.memory.weights_bytes)} on the fullest device"
    needed = needs(model, candidate.model_ref)
    rows = [
        flag(POSITIONAL, candidate.model_ref, size, "engines-vllm-image"),
        *revision_settings(model, candidate.model_ref, needed),
        flag("--served-model-name", served_name(model), "the name clients use on every engine", "engines-api"),
        *needed,
        *_dtype(candidate, hardware, model),
    ]
    if is_online(model, candidate.weights_format, candidate.model_ref):
        reason = f"the checkpoint is {model.native_format}: quantised while loading, 1 byte instead of 2 a weight"
        rows.append(flag("--quantization", "fp8", reason, "engines-vllm-quantization"))
    return rows


def _dtype(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> list[Setting]:
    """Only where the checkpoint's own type is not the planned one."""
    name = candidate.weights_format
    old = [card for card in cards_of(candidate, hardware) if capability(card) and not at_least(card, "8.0")]
    if old:
        reason = f"bfloat16 needs compute capability 8.0; {old[0].name} has {old[0].compute_capability}"
        return [flag("--dtype", "float16", reason, "engines-vllm-platform")]
    if name in DTYPES and name != model.native_format:
        reason = f"the checkpoint is {model.native_format}; {DTYPES[name]} is planned"
        if name == "fp32":
            reason += ": without AVX-512 this processor has no 16-bit products, and vLLM's fallback is slower"
        return [flag("--dtype", DTYPES[name], reason, "engines-vllm-platform")]
    return []


def _parallelism(estimate: Estimate, model: ModelSpec) -> list[Setting]:
    candidate, source = estimate.candidate, "engines-vllm-parallel"
    tensor, stages, replicas = candidate.tensor_parallel, candidate.pipeline_parallel, candidate.replicas_of_server
    machines = candidate.nodes_of_replica
    rows = []
    if tensor > 1:
        reason = (
            f"{model.heads} attention heads divide by {tensor}; each card holds "
            f"{gib(estimate.memory.weights_bytes)} of weights"
        )
        rows.append(flag("--tensor-parallel-size", tensor, reason, source))
    if stages > 1:
        undivided = model.heads % (tensor * stages) != 0
        reason = f"{model.layers} layers in {stages} stages: " + (
            f"one after the other on {machines} machines, tensor parallelism stays inside each"
            if machines > 1
            else f"{', '.join(map(str, candidate.stage_layers))}, by the memory of unequal cards"
            if candidate.stage_layers
            else f"{model.heads} attention heads do not divide by {tensor * stages}"
            if undivided
            else "without NVLink stages exchange less than tensor parallelism"
        )
        rows.append(flag("--pipeline-parallel-size", stages, reason, source))
    if whole_experts(candidate, model):
        reason = (
            f"each card holds whole experts: {model.expert_intermediate} of width over {tensor} cards are no whole "
            "number of the 128-wide blocks that share a scale"
        )
        rows.append(flag("--enable-expert-parallel", None, reason, "engines-vllm-quantization"))
    if machines > 1:
        reason = f"{machines} machines serve as one engine; each also gets its rank and the first one's address"
        rows.append(flag("--nnodes", machines, reason, "engines-vllm-nodes"))
    if replicas > 1:
        cards = f"{tensor * stages} of {len(candidate.gpu_indices)} cards each"
        reason = (
            f"{replicas} replicas, on {cards}, behind one port; the part `replicas` starts a server for each instead"
        )
        rows.append(flag("--data-parallel-size", replicas, reason, source))
    return rows


def _context(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate = estimate.candidate
    reason = (
        f"the longest request planned ({workload.profile}); the model's own {count(model.context_trained)} "
        f"would reserve room for what nobody asks"
        if candidate.context_tokens < model.context_trained
        else f"the model's own length, {count(model.context_trained)}"
        if candidate.context_tokens == model.context_trained
        else f"the longest request planned ({workload.profile}), beyond the model's {count(model.context_trained)}"
    )
    return [
        *stretched(model, candidate.context_tokens),
        flag("--max-model-len", candidate.context_tokens, reason, "engines-vllm-memory"),
    ]


def _batch(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate = estimate.candidate
    own = device_defaults(cards_of(candidate, hardware))[1]
    peak = estimate.peak_in_flight / candidate.replicas
    planned = (
        f"{count(burst)} who ask at once"
        if (burst := estimate.burst / candidate.replicas) > peak
        else f"{several(peak, 'request')} in flight planned at peak"
    )
    each = f", each of {count(workload.passages)} prompts" if workload.passages > 1 else ""
    slots = f"{planned}{each}, a quarter spare, on a recorded graph size; the default is {own}"
    most = estimate.memory.most_sequences
    if most is not None and candidate.max_in_flight < peak:
        slots = (
            f"every sequence of this model needs a block for its state, and {count(most)} fit: with more vLLM stops at "
            f"start; of {count(peak)} requests at peak the others wait"
        )
    tokens = _batch_reason(candidate, hardware, workload, model)
    return [
        flag("--max-num-seqs", candidate.max_in_flight, slots, "engines-vllm-batch"),
        flag("--max-num-batched-tokens", candidate.max_batched_tokens, tokens, "engines-vllm-batch"),
    ]


def _batch_reason(candidate: Candidate, hardware: Hardware, workload: Workload, model: ModelSpec) -> str:
    cards, batched = cards_of(candidate, hardware), candidate.max_batched_tokens
    own = device_defaults(cards)[0]
    if workload.pooled:
        return f"a pooling model takes a prompt in one step: {count(workload.context_tokens)} tokens must fit"
    if batched < own and chunk_limit(cards, workload, model, candidate.tensor_parallel) is not None:
        return (
            f"one longer prefill chunk would take more than a tenth of the time that {count(workload.output_tokens)} "
            f"tokens at {workload.tpot_ms:g} ms have"
        )
    if batched > own:
        return f"above vLLM's {count(own)} for this device: nobody waits for single tokens of a batch job"
    steps = -(-workload.input_tokens // batched)
    prompt = f"a prompt of {count(workload.input_tokens)} tokens takes {steps} step(s)"
    return f"vLLM's own figure for this device; {prompt}"


def _memory(estimate: Estimate, hardware: Hardware, model: ModelSpec) -> list[Setting]:
    candidate, memory = estimate.candidate, estimate.memory
    each = " in each replica" if candidate.replicas > 1 else ""
    full = f"{memory.full_sequences:.1f} requests of full length{each}"
    room = f"{count(memory.kv_tokens)} tokens of KV cache fit, {full}"
    if candidate.device == "cpu":
        space = candidate.kv_cache_bytes or memory.kv_bytes
        unset = f"unset, vLLM takes {100 * default_utilization():.0f} % of the host's memory"
        reason = f"{gib(space)}; {unset}. {room}"
        first = flag("--kv-cache-memory-bytes", space, reason, "engines-vllm-cpu")
    else:
        share = candidate.memory_utilization or default_utilization()
        reason = f"{_share_reason(share, candidate, hardware, model)}; {room}"
        first = flag("--gpu-memory-utilization", f"{share:.2f}", reason, "engines-vllm-memory")
    fp8 = candidate.kv_cache_dtype.startswith("fp8")
    width = "8-bit: half the bytes, so twice the tokens" if fp8 else "16-bit"
    if candidate.kv_cache_dtype == kv_cache_dtype(model) != "auto":
        width = f"8-bit: the one width that the attention of {model.model_type} takes"
    elif fp8 and only_flashinfer(cards_of(candidate, hardware)):
        width += "; below compute capability 8.9 FlashInfer reads it, and vLLM takes that by itself"
    reason = f"{width}; {memory.kv_bytes_per_token:,.0f} bytes a token over all cards of a replica"
    return [first, flag("--kv-cache-dtype", candidate.kv_cache_dtype, reason, "engines-vllm-kv")]


def _share_reason(share: float, candidate: Candidate, hardware: Hardware, model: ModelSpec) -> str:
    scratch = scratch_bytes(model)
    least = min(cards_of(candidate, hardware), key=lambda card: usable_bytes(card) / card.memory_bytes)
    total = gib(least.memory_bytes)
    if share + 0.005 < highest_utilization(least, model) and purpose(model) != "text":
        return f"of {total}: what a model without text to write needs; the rest of the card stays free"
    if least.reserved_bytes:
        return f"of {total}: {gib(least.reserved_bytes)} of GPU {least.index} are kept for others"
    if share >= default_utilization():
        return f"of {total}: vLLM's default, written down"
    if least.unified_memory:
        return f"of {total} that the system also lives in"
    if scratch and least.unheld_bytes >= least.memory_bytes:
        return f"of {total}: {gib(scratch)} stay free for what linear layers take beside it while they read a prompt"
    return f"{gib(least.unheld_bytes)} of {total} are free on GPU {least.index}, before vLLM's own CUDA context"

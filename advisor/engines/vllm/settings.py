"""Every setting of `vllm serve`, with the reason and the numbers behind it. Only forms that 0.32 and 0.33 both take."""

from __future__ import annotations

import json

from advisor.catalog import weights_format
from advisor.engines.accepted import check_vllm
from advisor.engines.devices import at_least, capability, cards_of, free_bytes, uses_all
from advisor.engines.naming import served_name
from advisor.engines.vllm.patience import drain_s, startup_s
from advisor.engines.vllm.sizing import DEFAULT_UTILIZATION, chunk_limit, device_defaults
from advisor.engines.vllm.weights import is_online
from advisor.schema import Estimate, Hardware, ModelSpec, Setting, Workload
from advisor.units import count, gib

PORT = 8000
READY_TIMEOUT_S = 600  # vLLM's own patience with its engine process
DRAFT_TOKENS = 4
REPEATING_TASKS = ("code", "rag", "agent")  # whose answers copy from the prompt
MOST_FOR_SPECULATION = 4  # in flight: beyond it drafts compete with other people's tokens
VISIBLE = {"nvidia": "CUDA_VISIBLE_DEVICES", "amd": "HIP_VISIBLE_DEVICES"}


def flag(name: str, value: object, because: str, source: str) -> Setting:
    """A command-line argument; `None` as the value: a switch."""
    return Setting(
        name=name, kind="flag", value=None if value is None else str(value), because=because, source=source
    )


def env(name: str, value: str | None, because: str, source: str) -> Setting:
    """An environment variable; `None` as the value: it comes from .env and stands in no other file."""
    return Setting(name=name, kind="env", value=value, because=because, source=source)


def settings(
    estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec
) -> tuple[Setting, ...]:
    """All arguments and variables in the order in which they are written, each one accepted by the pinned version."""
    parts = (
        _weights(estimate, hardware, model),
        _parallelism(estimate, hardware, model),
        _context(estimate, workload, model),
        _batch(estimate, hardware, workload, model),
        _memory(estimate, hardware),
        _features(estimate, workload, model),
        _service(estimate, workload),
        _environment(estimate, hardware, workload, model),
    )
    return check_vllm(tuple(setting for part in parts for setting in part))


def _weights(estimate: Estimate, hardware: Hardware, model: ModelSpec) -> list[Setting]:
    candidate, fmt = estimate.candidate, weights_format(estimate.candidate.weights_format)
    ref, size = candidate.model_ref, gib(estimate.memory.weights_bytes)
    where = "this folder" if model.path else "the Hub"
    rows = [
        flag("model", ref, f"{fmt.title} weights from {where}: {size} on the fullest device", "engines-vllm-image"),
        flag("--served-model-name", served_name(model), "the name clients use, the same on every engine", "engines-api"),
    ]
    old = [card for card in cards_of(candidate, hardware) if capability(card) and not at_least(card, "8.0")]
    if old:
        reason = f"bfloat16 needs compute capability 8.0; {old[0].name} has {old[0].compute_capability}"
        rows.append(flag("--dtype", "float16", reason, "engines-vllm-platform"))
    elif candidate.weights_format in ("bf16", "fp16") and candidate.weights_format != model.native_format:
        name = {"bf16": "bfloat16", "fp16": "float16"}[candidate.weights_format]
        rows.append(flag("--dtype", name, f"the checkpoint is {model.native_format}; 2 bytes a weight are planned",
                         "engines-vllm-platform"))
    if is_online(model, candidate.weights_format, ref):
        reason = f"the checkpoint is {model.native_format}: quantised while loading, 1 byte instead of 2 a weight"
        rows.append(flag("--quantization", "fp8", reason, "engines-vllm-quantization"))
    return rows


def _parallelism(estimate: Estimate, hardware: Hardware, model: ModelSpec) -> list[Setting]:
    candidate, rows = estimate.candidate, []
    if candidate.tensor_parallel > 1:
        rows.append(
            flag("--tensor-parallel-size", candidate.tensor_parallel,
                 f"{model.heads} attention heads divide by {candidate.tensor_parallel}; each card holds "
                 f"{gib(estimate.memory.weights_bytes)} of weights", "engines-vllm-parallel")
        )  # fmt: skip
    if candidate.pipeline_parallel > 1:
        rows.append(
            flag("--pipeline-parallel-size", candidate.pipeline_parallel,
                 f"{model.layers} layers in {candidate.pipeline_parallel} stages: "
                 + ("the heads do not divide by the number of cards" if candidate.tensor_parallel == 1 or
                    model.heads % (candidate.tensor_parallel * candidate.pipeline_parallel) else
                    "without NVLink stages exchange less than tensor parallelism"), "engines-vllm-parallel")
        )  # fmt: skip
    if candidate.replicas > 1:
        rows.append(
            flag("--data-parallel-size", candidate.replicas,
                 f"{candidate.replicas} replicas behind one port, each on "
                 f"{candidate.tensor_parallel * candidate.pipeline_parallel} of {len(candidate.gpu_indices)} cards",
                 "engines-vllm-parallel")
        )  # fmt: skip
    return rows


def _context(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate = estimate.candidate
    reason = (
        f"the longest request planned ({workload.profile}); the model's own {count(model.context_trained)} would "
        f"reserve room for what nobody asks"
        if candidate.context_tokens < model.context_trained
        else f"the model's own length, {count(model.context_trained)}"
    )
    return [flag("--max-model-len", candidate.context_tokens, reason, "engines-vllm-memory")]


def _batch(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate, cards = estimate.candidate, cards_of(estimate.candidate, hardware)
    own_tokens, own_seqs = device_defaults(cards)
    peak = estimate.peak_in_flight / candidate.replicas
    limit = chunk_limit(cards, workload.tpot_ms, model, candidate.tensor_parallel)
    if workload.kind == "embed":
        tokens = "a pooling model takes a prompt in one step, so the longest must fit"
    elif limit is not None and candidate.max_batched_tokens < own_tokens:
        tokens = f"a longer prefill chunk would hold decodes back beyond {workload.tpot_ms:g} ms a token"
    elif candidate.max_batched_tokens > own_tokens:
        tokens = f"above vLLM's {count(own_tokens)} for this device: nobody waits for single tokens of a batch job"
    else:
        tokens = f"vLLM's own figure for this device; a prompt of {count(workload.input_tokens)} tokens takes " + (
            f"{-(-workload.input_tokens // candidate.max_batched_tokens)} step(s)"
        )
    return [
        flag("--max-num-seqs", candidate.max_in_flight,
             f"{count(peak)} requests in flight planned at peak, a quarter spare, on a recorded graph size; "
             f"the default is {own_seqs}", "engines-vllm-batch"),
        flag("--max-num-batched-tokens", candidate.max_batched_tokens, tokens, "engines-vllm-batch"),
    ]  # fmt: skip


def _memory(estimate: Estimate, hardware: Hardware) -> list[Setting]:
    candidate, memory = estimate.candidate, estimate.memory
    room = f"{count(memory.kv_tokens)} tokens of KV cache fit, {memory.full_sequences:.1f} requests of full length"
    rows = []
    if candidate.device == "cpu":
        rows.append(
            flag("--kv-cache-memory-bytes", candidate.kv_cache_bytes or memory.kv_bytes,
                 f"{gib(memory.kv_bytes)} of KV cache; unset, vLLM takes 92 % of the host's memory. {room}", "engines-vllm-cpu")
        )  # fmt: skip
    else:
        cards = cards_of(candidate, hardware)
        least = min(cards, key=lambda card: free_bytes(card) / card.memory_bytes)
        share = f"{candidate.memory_utilization or DEFAULT_UTILIZATION:.2f}"
        if (candidate.memory_utilization or DEFAULT_UTILIZATION) >= DEFAULT_UTILIZATION:
            reason = f"of {gib(least.memory_bytes)}: vLLM's default, written down"
        elif least.unified_memory:
            reason = f"of {gib(least.memory_bytes)} that the system also lives in"
        else:
            reason = f"only {gib(free_bytes(least))} of {gib(least.memory_bytes)} are free on GPU {least.index}"
        rows.append(flag("--gpu-memory-utilization", share, f"{reason}; {room}", "engines-vllm-memory"))
    width = "8-bit: half the bytes, so twice the tokens" if candidate.kv_cache_dtype.startswith("fp8") else "16-bit"
    reason = f"{width}; {memory.kv_bytes_per_token:,.0f} bytes a token over all cards of a replica"
    return [*rows, flag("--kv-cache-dtype", candidate.kv_cache_dtype, reason, "engines-vllm-kv")]


def _features(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    if workload.kind == "embed":
        return [flag("--runner", "pooling", "vectors, no text, come out", "engines-vllm-flags")]
    rows = []
    if not model.layers_linear:
        reason = f"the first {count(workload.shared_prefix_tokens)} tokens are the same in every request"
        if not workload.shared_prefix_tokens:
            reason = "a conversation's earlier turns are not computed again"
        rows.append(flag("--enable-prefix-caching", None, reason, "engines-vllm-batch"))
    if workload.tools and model.tool_parser:
        reason = f"the clients call tools; the parser for {model.family or model.hf_id}"
        rows.append(flag("--enable-auto-tool-choice", None, "the clients call tools", "engines-vllm-parsers"))
        rows.append(flag("--tool-call-parser", model.tool_parser, reason, "engines-vllm-parsers"))
    if model.reasoning_parser:
        reason = "the model thinks aloud first: that part goes into a field of its own"
        rows.append(flag("--reasoning-parser", model.reasoning_parser, reason, "engines-vllm-parsers"))
    if speculates(estimate, workload, model):
        value = {"method": "ngram", "num_speculative_tokens": DRAFT_TOKENS, "prompt_lookup_max": DRAFT_TOKENS}
        reason = (
            f"decode is bound by memory at {estimate.peak_in_flight} in flight and {workload.task} answers repeat their "
            f"prompt: 1 to {DRAFT_TOKENS + 1} tokens a step, by how much is repeated; not counted in the prediction"
        )
        rows.append(flag("--speculative-config", json.dumps(value), reason, "engines-vllm-speculative"))
    return rows


def speculates(estimate: Estimate, workload: Workload, model: ModelSpec) -> bool:
    """Whether looking drafts up in the prompt can pay: decode bound by memory, few in flight, answers that repeat."""
    candidate, speed = estimate.candidate, estimate.peak_speed
    return (
        candidate.device == "gpu"
        and candidate.pipeline_parallel == 1
        and not model.layers_linear
        and workload.task in REPEATING_TASKS
        and workload.input_tokens >= workload.output_tokens
        and estimate.peak_in_flight <= MOST_FOR_SPECULATION * candidate.replicas
        and speed is not None
        and speed.bound == "bandwidth"
    )


def queue_limit(estimate: Estimate) -> int:
    """Requests vLLM holds, running and waiting, over all replicas: the slots, and the planned peak once more."""
    candidate = estimate.candidate
    return candidate.max_in_flight * candidate.replicas + max(16, estimate.peak_in_flight)


def _service(estimate: Estimate, workload: Workload) -> list[Setting]:
    rows = []
    if workload.task != "batch":
        limit = queue_limit(estimate)
        slots = estimate.candidate.max_in_flight * estimate.candidate.replicas
        reason = f"{slots} run and {limit - slots} may wait; one more gets 503 at once instead of waiting without bound"
        rows.append(flag("--max-num-queued-reqs", limit, reason, "engines-vllm-server"))
    seconds = drain_s(estimate, workload)
    reason = f"on stop, requests in flight get {seconds} s to finish; the default cuts them"
    rows.append(flag("--shutdown-timeout", seconds, reason, "engines-vllm-server"))
    bind = "0.0.0.0" if workload.exposed else "127.0.0.1"  # noqa: S104 - asked for, and guarded by a key
    reason = "others must reach it, with a key" if workload.exposed else "this machine only; the default is everybody"
    rows.append(flag("--host", bind, reason, "engines-hardening"))
    rows.append(flag("--port", PORT, "vLLM's usual port", "engines-vllm-flags"))
    return rows


def _environment(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate = estimate.candidate
    rows = [env("VLLM_NO_USAGE_STATS", "1", "no usage reports leave this machine", "engines-vllm-env")]
    if workload.offline or model.path:
        rows.append(env("HF_HUB_OFFLINE", "1", "the weights are here; nothing is asked of the Hub", "engines-hardening"))
    if workload.exposed:
        reason = "a key for /v1, from .env: on the command line every local user could read it"
        rows.append(env("VLLM_API_KEY", None, reason, "engines-vllm-server"))
    patience = startup_s(estimate)
    if patience > READY_TIMEOUT_S:
        reason = f"loading may take {patience} s at first; vLLM gives up after {READY_TIMEOUT_S}"
        rows.append(env("VLLM_ENGINE_READY_TIMEOUT_S", str(patience), reason, "engines-vllm-env"))
    if candidate.device == "cpu":
        spare = 1 if hardware.cpu.cores >= 2 else 0
        reason = f"{spare} of {hardware.cpu.cores:g} cores for the API server, the others compute"
        rows.append(env("VLLM_CPU_NUM_OF_RESERVED_CPU", str(spare), reason, "engines-vllm-cpu"))
    cards = cards_of(candidate, hardware)
    if cards and not uses_all(candidate, hardware) and cards[0].vendor in VISIBLE:
        chosen = ",".join(str(card.index) for card in cards)
        reason = f"{len(cards)} of {len(hardware.accelerators)} cards, numbered as the driver lists them"
        if cards[0].vendor == "nvidia":
            rows.append(env("CUDA_DEVICE_ORDER", "PCI_BUS_ID", reason, "engines-vllm-env"))
        rows.append(env(VISIBLE[cards[0].vendor], chosen, reason, "engines-vllm-env"))
    return rows

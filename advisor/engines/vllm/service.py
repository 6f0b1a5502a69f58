"""Settings of vLLM that clients and operators notice: features, queue, stop, addresses, environment."""

from __future__ import annotations

import json

from advisor.catalog.vendors import build_for, vendor_of
from advisor.engines.admission import admitted, drain_s
from advisor.engines.devices import cards_of, hides_cards, unequal
from advisor.engines.places import joined
from advisor.engines.vllm.cores import threads_of
from advisor.engines.vllm.needs import chat_template
from advisor.engines.vllm.patience import startup_s
from advisor.engines.vllm.rows import env, flag
from advisor.engines.vllm.speculation import speculation_settings
from advisor.models.thinking import thinking
from advisor.schema import Candidate, Estimate, Hardware, ModelSpec, Setting, Workload
from advisor.units import count

PORT = 8000
BIND = "127.0.0.1"  # also where exposure is asked for: the gateway stands in front
READY_TIMEOUT_S = 600  # vLLM's own patience with its engine process
DRAFT_TOKENS = 4
REPEATING_TASKS = ("code", "rag", "agent")  # whose answers copy from the prompt
MOST_FOR_SPECULATION = 4  # in flight: beyond it drafts compete with other people's tokens


def features(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    """What the server offers: prefix caching, tool and reasoning parsers, drafts; pooling for vectors and scores."""
    if workload.pooled:
        made = "vectors" if workload.kind == "embed" else "scores"
        return [flag("--runner", "pooling", f"{made}, no text, come out", "engines-vllm-flags")]
    rows = []
    if not model.layers_linear:
        reason = "a conversation's earlier turns are not computed again"
        if workload.history_tokens > workload.shared_prefix_tokens:
            reason += f": {count(workload.history_tokens)} of {count(workload.input_tokens)} prompt tokens"
        elif workload.shared_prefix_tokens:
            reason = f"the first {count(workload.shared_prefix_tokens)} tokens are the same in every request"
        rows.append(flag("--enable-prefix-caching", None, reason, "engines-vllm-batch"))
    if workload.tools and model.tool_parser:
        reason = f"the clients call tools; the parser for {model.family or model.hf_id}"
        rows.append(flag("--enable-auto-tool-choice", None, "the clients call tools", "engines-vllm-parsers"))
        rows.append(flag("--tool-call-parser", model.tool_parser, reason, "engines-vllm-parsers"))
        # The file lies in the image; an engine over several machines is started without one.
        imaged = estimate.candidate.device == "gpu" and estimate.candidate.nodes_of_replica == 1
        example = chat_template(model) if imaged else None
        rows.extend([example] if example else [])
    if model.reasoning_parser:
        reason = "the model thinks aloud first: that part goes into a field of its own"
        rows.append(flag("--reasoning-parser", model.reasoning_parser, reason, "engines-vllm-parsers"))
    words = thinking(workload, model).template
    if words:
        reason = "somebody waits, so the model answers without thinking aloud first; a request may still ask for it"
        rows.append(flag("--default-chat-template-kwargs", json.dumps(words), reason, "thinking-templates"))
    own = speculation_settings(estimate, workload, model)
    rows += own
    if not own and speculates(estimate, workload, model):
        value = {"method": "ngram", "num_speculative_tokens": DRAFT_TOKENS, "prompt_lookup_max": DRAFT_TOKENS}
        reason = (
            f"decode is bound by memory at {estimate.peak_in_flight} in flight and {workload.task} answers repeat "
            f"their prompt: 1 to {DRAFT_TOKENS + 1} tokens a step; not counted in the prediction"
        )
        rows.append(flag("--speculative-config", json.dumps(value), reason, "engines-vllm-speculative"))
    return rows


def speculates(estimate: Estimate, workload: Workload, model: ModelSpec) -> bool:
    """Whether drafts from the prompt can pay: decode bound by memory, few in flight, answers that repeat."""
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


def service(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    """Queue limit, time to finish at stop, address and port."""
    rows = []
    if workload.task != "batch":
        limit = admitted(estimate, workload)
        slots = estimate.candidate.max_in_flight * estimate.candidate.replicas_of_server
        reason = f"{slots} run and {limit - slots} may wait; one more gets 503 at once; the default is no limit"
        rows.append(flag("--max-num-queued-reqs", limit, reason, "engines-vllm-server"))
    seconds = drain_s(estimate, workload, model)
    reason = f"on stop, requests in flight get {seconds} s to finish; the default cuts them"
    rows.append(flag("--shutdown-timeout", seconds, reason, "engines-vllm-server"))
    reason = "this machine only; the default is everybody"
    if workload.exposed:
        reason = "others come through the gateway: vLLM's own key would leave /metrics and /invocations open"
    rows.append(flag("--host", BIND, reason, "engines-hardening"))
    rows.append(flag("--port", PORT, "vLLM's usual port", "engines-vllm-flags"))
    return rows


def environment(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> list[Setting]:
    """Variables: privacy, patience, cores and cards."""
    candidate = estimate.candidate
    rows = [env("VLLM_NO_USAGE_STATS", "1", "no usage reports leave this machine", "engines-vllm-env")]
    if workload.air_gapped or model.path:
        rows.append(
            env(
                "HF_HUB_OFFLINE",
                "1",
                "the weights are here; nothing is asked of the Hub",
                "engines-hardening",
            )
        )
    patience = startup_s(estimate, model)
    if patience > READY_TIMEOUT_S:
        reason = f"loading may take {patience} s at first; vLLM gives up after {READY_TIMEOUT_S}"
        rows.append(env("VLLM_ENGINE_READY_TIMEOUT_S", str(patience), reason, "engines-vllm-env"))
    if candidate.device == "cpu":
        cores = int(hardware.cpu.cores)
        spare = max(cores - threads_of(candidate, hardware.cpu), 0)
        reason = f"{spare} of {cores} cores for scheduler and API server, the others compute"
        if not spare:
            reason = f"all {cores} cores compute; the default keeps one for scheduler and API server, which mostly wait"
        rows.append(env("VLLM_CPU_NUM_OF_RESERVED_CPU", str(spare), reason, "engines-vllm-cpu"))
    return rows + _stages(candidate) + _chosen_cards(candidate, hardware)


def _stages(candidate: Candidate) -> list[Setting]:
    """The layers of each stage, where their number is not the same."""
    if not candidate.stage_layers:
        return []
    reason = "layers of each stage, by what its card has room for; by itself vLLM shares them evenly"
    return [env("VLLM_PP_LAYER_PARTITION", ",".join(map(str, candidate.stage_layers)), reason, "engines-vllm-parallel")]


def _chosen_cards(candidate: Candidate, hardware: Hardware) -> list[Setting]:
    """The variables that hide the cards which the candidate does not use, and those that number unequal ones."""
    cards = cards_of(candidate, hardware)
    if not hides_cards(candidate, hardware):
        reason = "unequal cards in the driver's order; by itself CUDA puts the fastest first"
        numbers = vendor_of(cards[0]).numbering if unequal(cards) else {}
        return [env(name, text, reason, "engines-vllm-env") for name, text in numbers.items()]
    variable = build_for(cards[0], "vllm").cards_variable
    if variable is None:
        return []
    reason = f"{len(cards)} of {len(hardware.accelerators)} cards, numbered as the driver lists them"
    numbering = [env(name, text, reason, "engines-vllm-env") for name, text in vendor_of(cards[0]).numbering.items()]
    return [*numbering, env(variable, joined(cards, hardware), reason, "engines-vllm-env")]

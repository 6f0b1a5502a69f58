"""Every setting of Ollama with its reason and numbers: variables of the server, lines of the Modelfile."""

from __future__ import annotations

import math

from advisor.catalog import weights_format
from advisor.catalog.flags import accepted
from advisor.catalog.vendors import build_for
from advisor.engines.accepted import require
from advisor.engines.devices import Group, cards_of, hides_cards
from advisor.engines.ollama.propose import flash_attention
from advisor.engines.ollama.server import port_of
from advisor.engines.ollama.sizing import CONTEXT_TIERS, single_slot
from advisor.engines.places import joined
from advisor.engines.versions import version_of, within
from advisor.models.beside import helpers
from advisor.schema import Estimate, Hardware, ModelSpec, Setting, Workload
from advisor.units import MIB, count, gib, several

BIND = "127.0.0.1"  # also where exposure is asked for: Ollama has no key, a gateway must stand in front
FIT_MARGIN_MIB = 1024
LEAST_QUEUE = 64


def env(name: str, value: object, because: str, source: str) -> Setting:
    """A variable of the server."""
    return Setting(name=name, kind="env", value=str(value), because=because, source=source)


def line(name: str, value: object, because: str, source: str) -> Setting:
    """A line of the Modelfile."""
    return Setting(name=name, kind="modelfile", value=str(value), because=because, source=source)


def settings(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Setting, ...]:
    """All variables and Modelfile lines, each one accepted by the planned version."""
    rows = (
        *_capacity(estimate, workload, model),
        *_cache(estimate, hardware),
        *_lifetime(workload),
        *_placement(estimate, hardware, workload, model),
        *_privacy(workload, port_of(hardware, workload)),
        *_modelfile(estimate, hardware, model),
    )
    known = require("Ollama", rows, accepted("ollama"))
    return within("ollama", version_of("ollama", hardware, workload, model), known)


def _capacity(estimate: Estimate, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate = estimate.candidate
    slots, peak = candidate.max_in_flight, estimate.peak_in_flight
    if single_slot(model) or workload.pooled:
        reason = f"Ollama serves {model.family or model.hf_id} one request at a time whatever is set here"
    elif slots < peak:
        reason = f"{slots} slots are all that fit; {peak - slots} of {peak} in flight at peak wait for one"
    else:
        reason = f"a slot for each request in flight at peak, {peak}; the default is 1"
    return [
        env("OLLAMA_NUM_PARALLEL", slots, reason, "engines-ollama-parallel"),
        env("OLLAMA_CONTEXT_LENGTH", candidate.context_tokens, _context(estimate), "engines-ollama-context"),
        env("OLLAMA_MAX_QUEUE", max(LEAST_QUEUE, workload.users), _queue(workload), "engines-ollama-queue"),
        env("OLLAMA_MAX_LOADED_MODELS", *_loaded(workload), "engines-ollama-env"),
    ]


def _loaded(workload: Workload) -> tuple[int, str]:
    """How many models stay in memory at once, and why."""
    names = [model.ollama_tag for model in helpers(workload.beside) if model.ollama_tag]
    if not names:
        return 1, "a second model would take the slots' memory"
    return 1 + len(names), f"beside the planned model {', '.join(names)}: with fewer, each question unloads the other"


def _context(estimate: Estimate) -> str:
    slots, context = estimate.candidate.max_in_flight, estimate.candidate.context_tokens
    return (
        f"the longest request planned; every slot gets all of it at start: {slots} x {count(context)} = "
        f"{count(slots * context)} tokens, {gib(estimate.memory.kv_bytes)} of KV cache on the fullest device; "
        f"unset, Ollama takes {count(_tier(estimate))} by GPU memory"
    )


def _queue(workload: Workload) -> str:
    return (
        f"requests that may wait while the model loads ({several(workload.users, 'user')}); once it is "
        f"loaded Ollama has no limit of its own"
    )


def _tier(estimate: Estimate) -> int:
    total = estimate.memory.device_bytes * max(1, len(estimate.candidate.gpu_indices))
    if estimate.candidate.device == "cpu":
        return CONTEXT_TIERS[-1][1]
    return next(context for above, context in CONTEXT_TIERS if total >= above)


def _cache(estimate: Estimate, hardware: Hardware) -> list[Setting]:
    candidate, memory = estimate.candidate, estimate.memory
    cards = cards_of(candidate, hardware)
    flash = all(flash_attention(card) for card in cards)
    width = "two bytes" if candidate.kv_cache_dtype == "f16" else "about one byte, so nearly twice the slots fit, for"
    cache = f"{width} an element: {memory.kv_bytes_per_token:,.0f} bytes a token"
    attention = "every device here has it; a quantised KV cache needs it"
    if not flash:
        attention = f"{cards[0].name} (compute capability {cards[0].compute_capability}) has none"
    return [
        env("OLLAMA_KV_CACHE_TYPE", candidate.kv_cache_dtype, cache, "engines-ollama-env"),
        env("OLLAMA_FLASH_ATTENTION", 1 if flash else 0, attention, "engines-ollama-placement"),
    ]


def _lifetime(workload: Workload) -> list[Setting]:
    if workload.users == 1 and not workload.production:
        reason = "the memory is free again 30 minutes after the last question; the default is 5"
        return [env("OLLAMA_KEEP_ALIVE", "30m", reason, "engines-ollama-env")]
    reason = f"never unloaded: none of {several(workload.users, 'user')} waits for a load; the default is 5 minutes"
    return [env("OLLAMA_KEEP_ALIVE", -1, reason, "engines-ollama-env")]


def _placement(estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec) -> list[Setting]:
    candidate, cards = estimate.candidate, cards_of(estimate.candidate, hardware)
    rows = []
    if len(cards) > 1:
        reason = (
            f"the layers are spread over all {len(cards)} cards; by itself Ollama takes one when its estimate, which "
            f"ignores the KV cache type, is at most 80 % of that card's free memory"
        )
        rows.append(env("OLLAMA_SCHED_SPREAD", 1, reason, "engines-ollama-placement"))
    if cards and not model.multimodal:
        kept = FIT_MARGIN_MIB + math.ceil(workload.reserve / MIB)  # models beside it fill their own part
        reason = f"{kept} MiB a card stay free, as planned; llama-server's own figure is {FIT_MARGIN_MIB}"
        rows.append(env("LLAMA_ARG_FIT_TARGET", kept, reason, "engines-ollama-placement"))
    rows += _switches(cards)
    variable = build_for(cards[0], "ollama").cards_variable if hides_cards(candidate, hardware) else None
    if variable:
        reason = f"{len(cards)} of {len(hardware.accelerators)} cards, numbered as the driver lists them"
        rows.append(env(variable, joined(cards, hardware), reason, "engines-ollama-env"))
    return rows


def _switches(cards: Group) -> list[Setting]:
    """What Ollama has to be told to use such cards at all."""
    found = {
        switch.name: env(switch.name, switch.text, switch.because, "engines-ollama-env")
        for card in cards
        for switch in build_for(card, "ollama").switches
        if switch.needed(card.compute_capability, unified=card.unified_memory)
    }
    return list(found.values())


def _privacy(workload: Workload, port: int) -> list[Setting]:
    reason = "this machine only"
    if workload.exposed:
        reason = "this machine only although others must reach it: Ollama has no key, put a gateway in front"
    return [
        env("OLLAMA_HOST", f"{BIND}:{port}", reason, "engines-hardening"),
        env(
            "OLLAMA_NO_CLOUD",
            1,
            "no model of the vendor's cloud, no background requests",
            "engines-ollama-env",
        ),
    ]


def _modelfile(estimate: Estimate, hardware: Hardware, model: ModelSpec) -> list[Setting]:
    candidate, fmt = estimate.candidate, weights_format(estimate.candidate.weights_format)
    what = "this file" if model.path else "the library's exact tag"
    weights = f"{what}, {fmt.title}: {gib(estimate.memory.weights_bytes)} of weights on the fullest device"
    context = "the same as OLLAMA_CONTEXT_LENGTH: the OpenAI-compatible API cannot ask for it"
    total = count(candidate.context_tokens * candidate.max_in_flight)
    batch = f"Ollama's own figure for {total} tokens over all slots, written down because a change reloads"
    rows = [
        line("FROM", candidate.model_ref, weights, "engines-ollama-library"),
        line("PARAMETER num_ctx", candidate.context_tokens, context, "engines-ollama-modelfile"),
        line("PARAMETER num_batch", candidate.max_batched_tokens, batch, "engines-ollama-context"),
    ]
    if candidate.device == "cpu" and hardware.accelerators:
        reason = f"all {model.layers} layers on the CPU: the {hardware.accelerators[0].name} is left out"
        rows.append(line("PARAMETER num_gpu", 0, reason, "engines-ollama-placement"))
    return rows

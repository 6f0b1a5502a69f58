"""Which layers of a config.json keep keys and values: the whole context, a window of it, or a fixed state."""

# ruff: noqa: ARG001 - every rule takes the same three arguments

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from advisor.models.config_types import LAYERS, Config, first_number


class Layers(NamedTuple):
    """Counts by kind, and the window of the sliding ones; Falcon-H1's layers are both full and linear."""

    full: int
    sliding: int = 0
    linear: int = 0
    window: int | None = None


# The words that `layer_types` and its relatives use.
KINDS = {
    "full_attention": "full", "attention": "full", "global": "full", "full": "full",
    "sliding_attention": "sliding", "chunked_attention": "sliding", "local": "sliding", "sliding": "sliding",
    "linear_attention": "linear", "mamba": "linear", "mamba2": "linear", "conv": "linear",
    "recurrent": "linear",
    "hybrid": "both",
}  # fmt: skip


def layer_kinds(config: Config, layers: int, context: int) -> Layers:
    """Count the layers of each kind, by what the config says outright, else by the rule of its model type.

    A window as long as the context, or longer, never slides.
    """
    given = (first_number(config, key) for key in ("sliding_window", "attention_chunk_size", "sliding_window_size"))
    window = next((tokens for tokens in given if tokens), None)
    window = window if window and window < context else None
    listed = _listed(config)
    if listed:
        return _count(listed, layers, window)
    rule = RULES.get(str(config.get("model_type", "")))
    if rule is not None:
        return rule(config, layers, window)
    if window and config.get("use_sliding_window", True) and "max_window_layers" not in config:
        return Layers(0, layers, 0, window)
    return Layers(layers)


def _listed(config: Config) -> Sequence[str]:
    """The kind of every layer, where the config lists them."""
    for key in ("layer_types", "layers_block_type", "block_types"):
        if isinstance(config.get(key), list):
            return [str(kind) for kind in config[key]]
    pattern = config.get("sliding_window_pattern")
    if isinstance(pattern, str) and pattern:  # "LLLG"
        cycle = ["sliding" if letter == "L" else "full" for letter in pattern]
        return [cycle[place % len(cycle)] for place in range(first_number(config, *LAYERS) or 0)]
    return []


def _count(listed: Sequence[str], layers: int, window: int | None) -> Layers:
    kinds = [KINDS.get(kind, "other") for kind in listed[:layers]]
    full = kinds.count("full") + kinds.count("both")
    linear = kinds.count("linear") + kinds.count("both")
    sliding = kinds.count("sliding")
    return Layers(full, sliding, linear, window) if window else Layers(full + sliding, 0, linear)


def _every(config: Config, layers: int, window: int | None, *, default: int) -> Layers:
    """Every n-th layer sees the whole context, the others a window."""
    step = first_number(config, "sliding_window_pattern") or first_number(config, "no_rope_layer_interval") or default
    if not window:
        return Layers(layers)
    full = layers // step
    return Layers(full, layers - full, 0, window)


def _linear_with(key: str, default: int) -> Callable[[Config, int, int | None], Layers]:
    """Every n-th layer is attention, the others keep a fixed state."""

    def rule(config: Config, layers: int, window: int | None) -> Layers:
        full = layers // (first_number(config, key) or default)
        return Layers(full, 0, layers - full)

    return rule


def _qwen2(config: Config, layers: int, window: int | None) -> Layers:
    """The window is off unless it is switched on, and then only from `max_window_layers` on."""
    if not config.get("use_sliding_window") or not window:
        return Layers(layers)
    begin = first_number(config, "max_window_layers")
    full = layers if begin is None else min(begin, layers)
    return Layers(full, layers - full, 0, window)


def _nemotron_h(config: Config, layers: int, window: int | None) -> Layers:
    """`hybrid_override_pattern`: M is Mamba, * attention, - and E are feed-forward."""
    pattern = str(config.get("hybrid_override_pattern", ""))
    return Layers(pattern.count("*"), 0, pattern.count("M"))


def _lfm2(config: Config, layers: int, window: int | None) -> Layers:
    full = len(config.get("full_attn_idxs") or ())
    return Layers(full, 0, layers - full)


def _bamba(config: Config, layers: int, window: int | None) -> Layers:
    full = len(config.get("attn_layer_indices") or ())
    return Layers(full, 0, layers - full)


def _kimi_linear(config: Config, layers: int, window: int | None) -> Layers:
    kinds = config.get("linear_attn_config") or {}
    full = len(kinds.get("full_attn_layers") or ())
    return Layers(full or layers, 0, layers - full if full else 0)


def _mllama(config: Config, layers: int, window: int | None) -> Layers:
    """Cross-attention layers cache the image, not the text."""
    return Layers(layers - len(config.get("cross_attention_layers") or ()))


def _only_state(config: Config, layers: int, window: int | None) -> Layers:
    return Layers(0, 0, layers)


def _both(config: Config, layers: int, window: int | None) -> Layers:
    return Layers(layers, 0, layers)


def _alternating(config: Config, layers: int, window: int | None) -> Layers:
    return _every(config, layers, window, default=2)


def _one_in_four(config: Config, layers: int, window: int | None) -> Layers:
    return _every(config, layers, window, default=4)


def _one_in_six(config: Config, layers: int, window: int | None) -> Layers:
    return _every(config, layers, window, default=6)


# model_type → rule, for configs that do not list their layers (transformers' own defaults).
RULES: Mapping[str, Callable[[Config, int, int | None], Layers]] = {
    "gemma2": _alternating, "gpt_oss": _alternating,
    "cohere2": _one_in_four, "llama4_text": _one_in_four, "llama4": _one_in_four, "olmo3": _one_in_four,
    "gemma3": _one_in_six, "gemma3_text": _one_in_six,
    "qwen2": _qwen2, "qwen2_moe": _qwen2, "qwen3": _qwen2, "qwen3_moe": _qwen2, "qwen2_vl": _qwen2,
    "qwen2_5_vl": _qwen2,
    "qwen3_next": _linear_with("full_attention_interval", 4),
    "qwen3_5": _linear_with("full_attention_interval", 4),
    "qwen3_5_text": _linear_with("full_attention_interval", 4),
    "qwen3_5_moe": _linear_with("full_attention_interval", 4),
    "qwen3_5_moe_text": _linear_with("full_attention_interval", 4),
    "jamba": _linear_with("attn_layer_period", 8),
    "nemotron_h": _nemotron_h, "lfm2": _lfm2, "lfm2_moe": _lfm2, "bamba": _bamba, "kimi_linear": _kimi_linear,
    "mllama": _mllama, "mllama_text_model": _mllama, "falcon_h1": _both,
    "mamba": _only_state, "mamba2": _only_state, "falcon_mamba": _only_state,
}  # fmt: skip

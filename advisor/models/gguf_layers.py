"""Which blocks of a GGUF attend, slide or keep a state, and what a token costs in each, by its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.edge.terminal import MOST_SHOWN, shown, visible
from advisor.errors import BadInput
from advisor.models.gguf_file import GgufHeader, GgufTensor
from advisor.schema import ModelSpec

MOST_LAYERS, MOST = 10_000, 100_000_000
# Every n-th layer sees the whole context where the file gives only the window (llama.cpp's own rules).
PATTERNS = {
    "gemma2": 2,
    "gpt-oss": 2,
    "cohere2": 4,
    "olmo2": 4,
    "exaone4": 4,
    "gemma3": 6,
    "gemma-embedding": 6,
    "gemma3n": 5,
}


class Keys:
    """Metadata under the architecture's prefix."""

    def __init__(self, header: GgufHeader, path: Path) -> None:
        self.metadata, self.path = header.metadata, path
        self.architecture = str(self.metadata.get("general.architecture", ""))

    def get(self, key: str) -> Any:
        """The value, None where the file does not give it."""
        return self.metadata.get(f"{self.architecture}.{key}")

    def number(self, key: str, default: int | None = None, most: int = MOST) -> int:
        """One whole number from 0 to `most`; of an array with one per layer the largest."""
        found = self.get(key)
        if isinstance(found, tuple) and found:
            found = max(found)
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            if not 0 <= found <= most:
                raise BadInput(
                    f"{self.path}: {self._name(key)}: is not a number from 0 to {most:,}; saw {shown(found)}"
                )
            return int(found)
        if default is None:
            raise BadInput(f"{self.path}: {self._name(key)} is missing; is this a language model?")
        return default

    def of_layers(self, key: str, layers: int) -> tuple[int, ...] | None:
        """One number a layer; None where the file gives one for all, or none."""
        found = self.get(key)
        if not isinstance(found, tuple):
            return None
        numbers = tuple(int(one) for one in found if isinstance(one, int) and 0 <= one <= MOST)
        if len(numbers) < max(layers, len(found)):
            raise BadInput(f"{self.path}: {self._name(key)}: does not hold a whole number for each of {layers} layers")
        return numbers

    def _name(self, key: str) -> str:
        return f"{visible(self.architecture)[:MOST_SHOWN]}.{key}"


def block_of(tensor: GgufTensor) -> int | None:
    """`blk.7.attn_k.weight` → 7."""
    words = tensor.name.split(".")
    numbered = len(words) > 1 and words[0] == "blk" and words[1].isdecimal() and len(words[1]) <= 6
    return int(words[1]) if numbered else None


def layers_of(keys: Keys, tensors: Sequence[GgufTensor], spec: ModelSpec) -> Mapping[str, Any]:
    """Which blocks attend and which keep a state (their tensors tell), and which of the former slide."""
    attending = _blocks_with(tensors, ("attn_k.", "attn_qkv.", "attn_kv_a_mqa.", "attn_k_b."), spec.layers)
    stateful = _blocks_with(tensors, ("ssm_", "shortconv"), spec.layers)
    attending = attending - stateful if "qwen3" in spec.model_type else attending  # their DeltaNet blocks have attn_qkv
    window = keys.number("attention.sliding_window", 0)
    slides = _sliding(keys, spec.layers) if 0 < window < spec.context_trained else frozenset[int]()
    sliding = attending & slides
    found: dict[str, Any] = {
        "layers_full": len(attending - sliding),
        "layers_sliding": len(sliding),
        "layers_linear": len(stateful),
        "sliding_window": window if sliding else None,
    }
    if spec.mla_kv_lora_rank:
        return found
    return {**found, **_elements(keys, attending, sliding, spec)}


def _blocks_with(tensors: Sequence[GgufTensor], words: tuple[str, ...], layers: int) -> frozenset[int]:
    """Numbers of the blocks that hold a tensor of one of these names."""
    found = (block_of(tensor) for tensor in tensors if any(f".{word}" in tensor.name for word in words))
    return frozenset(number for number in found if number is not None and number < layers)


def _sliding(keys: Keys, layers: int) -> frozenset[int]:
    """Blocks with a window: listed in the file, or all but every n-th, or all."""
    pattern = keys.get("attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return frozenset(place for place, slides in enumerate(pattern[:layers]) if slides)
    step = int(pattern) if isinstance(pattern, int) and pattern > 1 else PATTERNS.get(keys.architecture, 0)
    return frozenset(place for place in range(layers) if not step or (place + 1) % step)


def _elements(keys: Keys, attending: frozenset[int], sliding: frozenset[int], spec: ModelSpec) -> dict[str, int]:
    """KV elements of one token, layer by layer, where they are not the same in every layer."""
    listed = keys.of_layers("attention.head_count_kv", spec.layers)
    reused = keys.number("attention.shared_kv_layers", 0)
    value = keys.number("attention.value_length", spec.head_dim)
    wide, narrow = spec.head_dim + value, _window_widths(keys, spec.head_dim + value)
    plain = not reused and narrow == 2 * spec.head_dim and (listed is None or len(set(listed)) == 1)
    if plain and value == spec.head_dim:
        return {}
    heads = listed or (spec.kv_heads,) * spec.layers
    each = {
        place: heads[place] * (narrow if place in sliding else wide)
        for place in attending
        if place < spec.layers - reused
    }
    full = sum(elements for place, elements in each.items() if place not in sliding)
    return {"kv_elements_per_token": sum(each.values()), "kv_elements_per_token_full": full}


def _window_widths(keys: Keys, otherwise: int) -> int:
    """Key and value width of a head in the sliding layers, where they differ (Gemma 4)."""
    key = keys.number("attention.key_length_swa", 0)
    return key + keys.number("attention.value_length_swa", key) if key else otherwise

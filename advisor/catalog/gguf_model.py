"""A .gguf file → ModelSpec: dimensions from the metadata, layers by kind from the tensors, totals by counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.catalog import weights_format
from advisor.catalog.gguf_file import GgufHeader, GgufTensor, parts, read_header
from advisor.catalog.model_text import take_apart
from advisor.errors import BadInput
from advisor.schema import ModelSpec

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

# general.file_type → name in formats.yaml (llama.cpp, include/llama.h).
FILE_TYPES = {
    0: "f16", 1: "f16", 2: "q4_0", 3: "q4_1", 7: "q8_0", 8: "q5_0", 9: "q5_1", 10: "q2_K", 11: "q3_K_S", 12: "q3_K_M",
    13: "q3_K_L", 14: "q4_K_S", 15: "q4_K_M", 16: "q5_K_S", 17: "q5_K_M", 18: "q6_K", 19: "iq2_xxs", 20: "iq2_xs",
    21: "q2_K_S", 22: "iq3_xxs", 23: "iq3_xxs", 24: "iq1_m", 25: "iq4_nl", 26: "iq3_s", 27: "iq3_s", 28: "iq2_m",
    29: "iq2_m", 30: "iq4_xs", 31: "iq1_m", 32: "bf16-gguf", 38: "mxfp4-moe",
}  # fmt: skip
# The type that most bytes have → format, for files without general.file_type.
BY_TYPE = {"q4_K": "q4_K_M", "q5_K": "q5_K_M", "q3_K": "q3_K_M", "bf16": "bf16-gguf", "mxfp4": "mxfp4-gguf", "f32": "f16"}
GUESSED = 1024  # flag in general.file_type: inferred by the converter

# Architecture in GGUF → model_type of its config.json, where they differ.
MODEL_TYPES = {
    "gpt-oss": "gpt_oss", "qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "qwen3next": "qwen3_next",
    "qwen35": "qwen3_5", "qwen35moe": "qwen3_5_moe", "qwen2vl": "qwen2_vl", "qwen3vl": "qwen3_vl",
    "qwen3vlmoe": "qwen3_vl_moe", "deepseek2": "deepseek_v3", "glm4moe": "glm4_moe", "lfm2moe": "lfm2_moe",
    "granitehybrid": "granitemoehybrid", "granitemoe": "granitemoe", "falcon-h1": "falcon_h1",
    "nemotron_h_moe": "nemotron_h", "command-r": "cohere", "olmoe": "olmoe", "phimoe": "phimoe",
    "gemma-embedding": "gemma3_text", "minimax-m2": "minimax_m2", "ernie4_5-moe": "ernie4_5_moe",
}  # fmt: skip
# Every n-th layer sees the whole context where the file gives only the window (llama.cpp's rule for that architecture).
PATTERNS = {"gemma2": 2, "gpt-oss": 2, "cohere2": 4, "olmo2": 4, "exaone4": 4, "gemma3": 6, "gemma-embedding": 6, "gemma3n": 5}


def read_gguf(path: Path) -> tuple[ModelSpec, WeightsFormat | None]:
    """The model and the format in a .gguf file, all parts of a split one together.

    Raises:
        BadInput: the file cannot be used; says why.
    """
    files = parts(path)
    headers = [read_header(file) for file in files]
    whole = headers[0]._replace(tensors=tuple(tensor for header in headers for tensor in header.tensors))
    fmt = file_format(whole, path)
    spec = _spec(whole, path, sum(file.stat().st_size for file in files), fmt.name)
    return _named(spec, path), fmt


def file_format(header: GgufHeader, path: Path) -> WeightsFormat:
    """The format: a dynamic mix by its file name, else by the file's own word, else by what most bytes are."""
    written = take_apart(path.name).quantisation
    if written and written.lower().startswith("ud"):
        return weights_format(written)
    declared = header.metadata.get("general.file_type")
    if isinstance(declared, int) and declared & ~GUESSED in FILE_TYPES:
        name = FILE_TYPES[declared & ~GUESSED]
        experts_16_bit = name == "mxfp4-moe" and header.bytes_by_type().get("bf16", 0) > 0
        return weights_format("mxfp4-gguf" if experts_16_bit else name)
    sizes = header.bytes_by_type()
    most = max(sizes, key=lambda kind: sizes[kind], default="f16")
    return weights_format(BY_TYPE.get(most, most))


class _Keys:
    """Metadata under the architecture's prefix."""

    def __init__(self, header: GgufHeader, path: Path) -> None:
        self.metadata, self.path = header.metadata, path
        self.architecture = str(self.metadata.get("general.architecture", ""))

    def get(self, key: str) -> Any:
        return self.metadata.get(f"{self.architecture}.{key}")

    def number(self, key: str, default: int | None = None) -> int:
        """One number; of an array with one per layer the largest."""
        found = self.get(key)
        if isinstance(found, tuple) and found:
            found = max(found)
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return int(found)
        if default is None:
            raise BadInput(f"{self.path}: {self.architecture}.{key} is missing; is this a language model?")
        return default


def _spec(header: GgufHeader, path: Path, file_bytes: int, format_name: str) -> ModelSpec:
    keys = _Keys(header, path)
    tensors = header.tensors
    layers = keys.number("block_count") - keys.number("nextn_predict_layers", 0)
    hidden, heads = keys.number("embedding_length"), keys.number("attention.head_count")
    rank = keys.number("attention.kv_lora_rank", 0) or None
    rope = keys.number("rope.dimension_count", 0) if rank else None
    head_dim = keys.number("attention.key_length_mla", keys.number("attention.key_length", hidden // max(heads, 1)))
    kept = [tensor for tensor in tensors if _block(tensor) is None or (_block(tensor) or 0) < layers]
    total = sum(tensor.elements for tensor in kept)
    routed = sum(tensor.elements for tensor in kept if "_exps." in tensor.name)
    experts, used = keys.number("expert_count", 0), keys.number("expert_used_count", 0)
    spec = ModelSpec(
        hf_id=str(header.metadata.get("general.name") or path.stem),
        family=keys.architecture,
        parameters=total,
        active_parameters=total - round(routed * (experts - used) / experts) if experts else None,
        layers=layers,
        hidden=hidden,
        intermediate=keys.number("feed_forward_length", 0),
        heads=heads,
        kv_heads=heads if rank else keys.number("attention.head_count_kv", heads),
        head_dim=head_dim,
        vocab=_vocabulary(header, keys),
        tied_embeddings=not any(tensor.name == "output.weight" for tensor in tensors),
        context_trained=keys.number("context_length", 4096),
        native_format=format_name,
        architecture=keys.architecture,
        model_type=MODEL_TYPES.get(keys.architecture, keys.architecture.replace("-", "_")),
        mla_kv_lora_rank=rank,
        mla_rope_dim=rope,
        experts=experts,
        experts_per_token=used,
        expert_intermediate=keys.number("expert_feed_forward_length", keys.number("feed_forward_length", 0))
        if experts
        else 0,
        shared_experts=keys.number("expert_shared_count", 0) or int(any("_shexp." in t.name for t in tensors)),
        first_dense_layers=keys.number("leading_dense_block_count", 0),
        tags=("chat",),
        origin="gguf",
        path=str(path),
        file_bytes=file_bytes,
        source="gguf_header",
    )
    return replace(spec, **_layers(keys, tensors, spec))


def _block(tensor: GgufTensor) -> int | None:
    """`blk.7.attn_k.weight` → 7."""
    words = tensor.name.split(".")
    return int(words[1]) if words[0] == "blk" and words[1].isdigit() else None


def _vocabulary(header: GgufHeader, keys: _Keys) -> int:
    """Rows of the embedding."""
    for tensor in header.tensors:
        if tensor.name == "token_embd.weight":
            return tensor.dimensions[1]
    return keys.number("vocab_size", header.lengths.get("tokenizer.ggml.tokens", 0))


def _layers(keys: _Keys, tensors: Sequence[GgufTensor], spec: ModelSpec) -> Mapping[str, Any]:
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
    found = (_block(tensor) for tensor in tensors if any(f".{word}" in tensor.name for word in words))
    return frozenset(number for number in found if number is not None and number < layers)


def _sliding(keys: _Keys, layers: int) -> frozenset[int]:
    """Blocks with a window: listed in the file, or all but every n-th, or all."""
    pattern = keys.get("attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return frozenset(place for place, slides in enumerate(pattern[:layers]) if slides)
    step = int(pattern) if isinstance(pattern, int) and pattern > 1 else PATTERNS.get(keys.architecture, 0)
    return frozenset(place for place in range(layers) if not step or (place + 1) % step)


def _elements(
    keys: _Keys, attending: frozenset[int], sliding: frozenset[int], spec: ModelSpec
) -> dict[str, int]:
    """KV elements of one token, layer by layer, where they are not the same in every layer."""
    listed = keys.get("attention.head_count_kv")
    reused = keys.number("attention.shared_kv_layers", 0)
    value = keys.number("attention.value_length", spec.head_dim)
    wide, narrow = spec.head_dim + value, _window_widths(keys, spec.head_dim + value)
    plain = not reused and narrow == 2 * spec.head_dim and (not isinstance(listed, tuple) or len(set(listed)) == 1)
    if plain and value == spec.head_dim:
        return {}
    heads = listed if isinstance(listed, tuple) else (spec.kv_heads,) * spec.layers
    each = {
        place: int(heads[place]) * (narrow if place in sliding else wide)
        for place in attending
        if place < spec.layers - reused
    }
    full = sum(elements for place, elements in each.items() if place not in sliding)
    return {"kv_elements_per_token": sum(each.values()), "kv_elements_per_token_full": full}


def _window_widths(keys: _Keys, otherwise: int) -> int:
    """Key and value width of a head in the sliding layers, where they differ (Gemma 4)."""
    key = keys.number("attention.key_length_swa", 0)
    return key + keys.number("attention.value_length_swa", key) if key else otherwise


def _named(spec: ModelSpec, path: Path) -> ModelSpec:
    """The Hub id, licence, tags and parsers of the entry that the file is called after, if the dimensions agree."""
    from advisor.catalog.model_names import by_words

    for name in (spec.hf_id, path.name):
        try:
            known = by_words(name)
        except BadInput:
            continue
        if known and (known[0].layers, known[0].hidden, known[0].vocab) == (spec.layers, spec.hidden, spec.vocab):
            entry = known[0]
            return replace(
                spec, hf_id=entry.hf_id, family=entry.family, licence=entry.licence, release=entry.release,
                tags=entry.tags, tool_parser=entry.tool_parser, reasoning_parser=entry.reasoning_parser,
                repos=entry.repos, gated=entry.gated,
            )  # fmt: skip
    return spec

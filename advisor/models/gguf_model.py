"""A .gguf file → ModelSpec: dimensions from the metadata, layers from the tensors, totals by counting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.catalog import weights_format
from advisor.edge.bounds import check_bounds
from advisor.edge.reading import file_size
from advisor.errors import BadInput
from advisor.models.gguf_file import GgufHeader, parts, read_header
from advisor.models.gguf_layers import MOST_LAYERS, Keys, block_of, layers_of
from advisor.models.text import take_apart
from advisor.schema import ModelSpec
from advisor.wire import to_data

if TYPE_CHECKING:
    from advisor.catalog.entries import WeightsFormat

# general.file_type → name in formats.yaml (llama.cpp, include/llama.h).
FILE_TYPES = {
    0: "f16", 1: "f16", 2: "q4_0", 3: "q4_1", 7: "q8_0", 8: "q5_0", 9: "q5_1", 10: "q2_K", 11: "q3_K_S",
    12: "q3_K_M", 13: "q3_K_L", 14: "q4_K_S", 15: "q4_K_M", 16: "q5_K_S", 17: "q5_K_M", 18: "q6_K",
    19: "iq2_xxs", 20: "iq2_xs", 21: "q2_K_S", 22: "iq3_xxs", 23: "iq3_xxs", 24: "iq1_m", 25: "iq4_nl",
    26: "iq3_s", 27: "iq3_s", 28: "iq2_m", 29: "iq2_m", 30: "iq4_xs", 31: "iq1_m", 32: "bf16-gguf",
    38: "mxfp4-moe",
}  # fmt: skip
# The type that most bytes have → format, for files without general.file_type.
BY_TYPE = {
    "q4_K": "q4_K_M",
    "q5_K": "q5_K_M",
    "q3_K": "q3_K_M",
    "bf16": "bf16-gguf",
    "mxfp4": "mxfp4-gguf",
    "f32": "f16",
}
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


def read_gguf(path: Path) -> tuple[ModelSpec, WeightsFormat | None]:
    """The model and the format in a .gguf file, all parts of a split one together.

    Raises:
        BadInput: the file cannot be used; says why.
    """
    files = parts(path)
    headers = [read_header(file) for file in files]
    whole = headers[0]._replace(tensors=tuple(tensor for header in headers for tensor in header.tensors))
    fmt = file_format(whole, path)
    spec = _spec(whole, path, sum(file_size(file) for file in files), fmt.name)
    return _named(spec, path), fmt


def file_format(header: GgufHeader, path: Path) -> WeightsFormat:
    """The format: a dynamic mix by its file name, else the file's own word, else what most bytes are."""
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


def _spec(header: GgufHeader, path: Path, file_bytes: int, format_name: str) -> ModelSpec:
    keys = Keys(header, path)
    tensors = header.tensors
    layers = keys.number("block_count", most=MOST_LAYERS) - keys.number("nextn_predict_layers", 0)
    hidden, heads = keys.number("embedding_length"), keys.number("attention.head_count")
    rank = keys.number("attention.kv_lora_rank", 0) or None
    rope = keys.number("rope.dimension_count", 0) if rank else None
    head_dim = keys.number("attention.key_length_mla", keys.number("attention.key_length", hidden // max(heads, 1)))
    kept = [tensor for tensor in tensors if block_of(tensor) is None or (block_of(tensor) or 0) < layers]
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
    found = replace(spec, **layers_of(keys, tensors, spec))
    check_bounds(to_data(found), str(path))
    return found


def _vocabulary(header: GgufHeader, keys: Keys) -> int:
    """Rows of the embedding."""
    for tensor in header.tensors:
        if tensor.name == "token_embd.weight" and len(tensor.dimensions) > 1:
            return tensor.dimensions[1]
    return keys.number("vocab_size", header.lengths.get("tokenizer.ggml.tokens", 0))


def _named(spec: ModelSpec, path: Path) -> ModelSpec:
    """Hub id, licence, tags and parsers of the entry the file is called after, if the dimensions agree."""
    from advisor.models.names import by_words

    for name in (path.name, spec.hf_id):
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

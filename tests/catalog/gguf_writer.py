"""A writer of small GGUF files for the tests: metadata and tensor headers, no weights behind them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

Tensors = list[tuple[str, tuple[int, ...], str]]  # name, shape, type
GGML = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "q4_K": 12, "q6_K": 14, "bf16": 30, "mxfp4": 39}


def text(value: str) -> bytes:
    """A string with its length in front."""
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(item: Any) -> bytes:
    """A typed value: bool, int (u32), float (f32), str, or a list of one of them."""
    if isinstance(item, bool):
        return struct.pack("<I?", 7, item)
    if isinstance(item, int):
        return struct.pack("<II", 4, item)
    if isinstance(item, float):
        return struct.pack("<If", 6, item)
    if isinstance(item, str):
        return struct.pack("<I", 8) + text(item)
    inner = [value(one) for one in item]
    return struct.pack("<I", 9) + inner[0][:4] + struct.pack("<Q", len(inner)) + b"".join(one[4:] for one in inner)


def write(path: Path, metadata: dict[str, Any], tensors: Tensors, version: int = 3) -> Path:
    """Write the header; the file ends where the weights would begin."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(metadata))]
    parts += [text(key) + value(item) for key, item in metadata.items()]
    for name, shape, kind in tensors:
        parts.append(text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape))
        parts.append(struct.pack("<IQ", GGML[kind], 0))
    path.write_bytes(b"".join(parts))
    return path


def llama(blocks: int = 2, kind: str = "q4_K", tied: bool = False) -> Tensors:
    """Tensors of a small Llama: hidden 256, 4 heads and 2 KV heads of 64, inner 512, 1000 tokens."""
    tensors: Tensors = [("token_embd.weight", (256, 1000), kind), ("output_norm.weight", (256,), "f32")]
    if not tied:
        tensors.append(("output.weight", (256, 1000), "q6_K"))
    for block in range(blocks):
        tensors += [
            (f"blk.{block}.attn_q.weight", (256, 256), kind),
            (f"blk.{block}.attn_k.weight", (256, 128), kind),
            (f"blk.{block}.attn_v.weight", (256, 128), kind),
            (f"blk.{block}.attn_output.weight", (256, 256), kind),
            (f"blk.{block}.ffn_gate.weight", (256, 512), kind),
            (f"blk.{block}.ffn_up.weight", (256, 512), kind),
            (f"blk.{block}.ffn_down.weight", (512, 256), kind),
            (f"blk.{block}.attn_norm.weight", (256,), "f32"),
            (f"blk.{block}.ffn_norm.weight", (256,), "f32"),
        ]
    return tensors


def llama_metadata(architecture: str = "llama", blocks: int = 2, **more: Any) -> dict[str, Any]:
    """Metadata that goes with `llama`; keys in `more` stand under the architecture."""
    own = {
        "block_count": blocks,
        "embedding_length": 256,
        "feed_forward_length": 512,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "context_length": 4096,
        **more,
    }
    head = {"general.architecture": architecture, "general.name": "Tiny", "general.file_type": 15}
    tokens = {"tokenizer.ggml.tokens": ["a"] * 5000}
    return head | {f"{architecture}.{key}": item for key, item in own.items()} | tokens

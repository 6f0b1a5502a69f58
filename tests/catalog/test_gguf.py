"""GGUF files: headers, dimensions, layers by kind, exact bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from advisor.errors import BadInput
from advisor.models.gguf_file import read_header
from advisor.models.names import find_model_and_format
from tests.catalog.gguf_writer import Tensors, llama, llama_metadata, write


def test_bytes_of_every_tensor(tmp_path: Path) -> None:
    """Sizes follow from the block layouts: Q4_K 144 bytes for 256 weights, Q6_K 210, F32 4 each."""
    header = read_header(write(tmp_path / "tiny.gguf", llama_metadata(), llama()))
    sizes = header.bytes_by_type()
    assert sizes["q6_K"] == 256_000 // 256 * 210
    assert sizes["f32"] == 5 * 256 * 4
    assert sizes["q4_K"] == (256_000 + 2 * (2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512)) // 256 * 144


def test_long_arrays_are_counted_not_kept(tmp_path: Path) -> None:
    """The vocabulary is skipped; its length is known, and short arrays are kept."""
    metadata = llama_metadata() | {"llama.rope.sections": [1, 2, 3]}
    header = read_header(write(tmp_path / "tiny.gguf", metadata, llama()))
    assert header.lengths["tokenizer.ggml.tokens"] == 5000
    assert header.metadata["tokenizer.ggml.tokens"] == ()
    assert header.metadata["llama.rope.sections"] == (1, 2, 3)


def test_llama(tmp_path: Path) -> None:
    """Dimensions come from the metadata, the total from the tensors, the format from the file type."""
    path = write(tmp_path / "tiny.gguf", llama_metadata(), llama())
    model, fmt = find_model_and_format(str(path), offline=True)
    assert (model.layers, model.hidden, model.heads, model.kv_heads, model.head_dim) == (2, 256, 4, 2, 64)
    assert (model.layers_full, model.layers_sliding, model.vocab, model.tied_embeddings) == (2, 0, 1000, False)
    assert model.parameters == 512_000 + 256 + 2 * (2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512 + 512)
    assert (model.origin, model.path, model.file_bytes) == ("gguf", str(path), path.stat().st_size)
    assert fmt is not None and fmt.name == "q4_K_M"


def test_tied_embedding(tmp_path: Path) -> None:
    """Without an output tensor the embedding is the head."""
    path = write(tmp_path / "tiny.gguf", llama_metadata(), llama(tied=True))
    assert find_model_and_format(str(path), offline=True)[0].tied_embeddings


def test_sliding_window_by_architecture(tmp_path: Path) -> None:
    """Gemma 3 slides in five of six layers; a window as long as the context does not slide."""
    sliding = llama_metadata("gemma3", 12, **{"attention.sliding_window": 512})
    model, _ = find_model_and_format(str(write(tmp_path / "a.gguf", sliding, llama(12))), offline=True)
    assert (model.layers_full, model.layers_sliding, model.sliding_window) == (2, 10, 512)
    full = llama_metadata("gemma3", 12, **{"attention.sliding_window": 4096})
    model, _ = find_model_and_format(str(write(tmp_path / "b.gguf", full, llama(12))), offline=True)
    assert (model.layers_full, model.layers_sliding, model.sliding_window) == (12, 0, None)


def test_layers_of_different_width(tmp_path: Path) -> None:
    """KV heads per layer, another width in sliding layers and reused caches are summed layer by layer."""
    metadata = llama_metadata(
        "gemma4",
        4,
        **{
            "attention.sliding_window": 512,
            "attention.sliding_window_pattern": [True, True, True, False],
            "attention.head_count_kv": [2, 2, 2, 1],
            "attention.key_length": 128,
            "attention.value_length": 128,
            "attention.key_length_swa": 64,
            "attention.value_length_swa": 64,
        },
    )
    model, _ = find_model_and_format(str(write(tmp_path / "tiny.gguf", metadata, llama(4))), offline=True)
    assert (model.layers_full, model.layers_sliding) == (1, 3)
    assert model.kv_elements_per_token == 3 * 2 * (64 + 64) + 1 * (128 + 128)
    assert model.kv_elements_per_token_full == 256


def test_hybrid(tmp_path: Path) -> None:
    """Blocks with state tensors are linear; blocks with attention are not, whatever the metadata leaves out."""
    tensors = [t for t in llama(4) if not (".attn_" in t[0] and t[0].split(".")[1] in "012" and "norm" not in t[0])]
    tensors += [(f"blk.{block}.ssm_out.weight", (256, 256), "q4_K") for block in range(3)]
    model, _ = find_model_and_format(
        str(write(tmp_path / "t.gguf", llama_metadata("granitehybrid", 4), tensors)), offline=True
    )
    assert (model.layers_full, model.layers_linear, model.model_type) == (1, 3, "granitemoehybrid")


def test_experts(tmp_path: Path) -> None:
    """Routed experts are counted apart: 2 of 8 are active."""
    more: dict[str, Any] = {"expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 64}
    names = [f"blk.{b}.ffn_{p}_exps.weight" for b in range(2) for p in ("gate", "up", "down")]
    experts: Tensors = [(name, (256, 64, 8), "q4_K") for name in names]
    path = write(tmp_path / "tiny.gguf", llama_metadata("qwen3moe", **more), llama() + experts)
    model, _ = find_model_and_format(str(path), offline=True)
    routed = 2 * 3 * 256 * 64 * 8
    assert (model.experts, model.experts_per_token, model.expert_intermediate) == (8, 2, 64)
    assert model.parameters - (model.active_parameters or 0) == routed * 6 // 8


def test_latent_attention(tmp_path: Path) -> None:
    """DeepSeek's latent cache is described by its rank and the width of its rotary part."""
    more = {"attention.kv_lora_rank": 512, "rope.dimension_count": 64, "attention.key_length_mla": 192}
    tensors = [t if "attn_k." not in t[0] else (t[0].replace("attn_k.", "attn_kv_a_mqa."), *t[1:]) for t in llama()]
    model, _ = find_model_and_format(
        str(write(tmp_path / "t.gguf", llama_metadata("deepseek2", **more), tensors)), offline=True
    )
    assert (model.mla_kv_lora_rank, model.mla_rope_dim, model.head_dim, model.layers_full) == (512, 64, 192, 2)


def test_split_file(tmp_path: Path) -> None:
    """All parts count; a missing part is named."""
    tensors = llama()
    first = write(tmp_path / "big-00001-of-00002.gguf", llama_metadata(), tensors[:5])
    with pytest.raises(BadInput, match="00002-of-00002"):
        find_model_and_format(str(first), offline=True)
    second = write(tmp_path / "big-00002-of-00002.gguf", {}, tensors[5:])
    model, _ = find_model_and_format(str(first), offline=True)
    whole, _ = find_model_and_format(str(write(tmp_path / "whole.gguf", llama_metadata(), tensors)), offline=True)
    assert model.parameters == whole.parameters
    assert model.file_bytes == first.stat().st_size + second.stat().st_size
    assert find_model_and_format(str(tmp_path.joinpath("big-00001-of-00002.gguf").parent / first.name), offline=True)


def test_named_after_a_catalogue_model(tmp_path: Path) -> None:
    """A file called after a model of other dimensions is not taken for it."""
    path = write(tmp_path / "Llama-3.1-8B-Instruct-Q4_K_M.gguf", llama_metadata(), llama())
    assert find_model_and_format(str(path), offline=True)[0].hf_id == "Tiny"


def test_dynamic_mix_by_file_name(tmp_path: Path) -> None:
    """Only the file name tells a dynamic mix from the plain one."""
    path = write(tmp_path / "Tiny-UD-Q4_K_XL.gguf", llama_metadata(), llama())
    fmt = find_model_and_format(str(path), offline=True)[1]
    assert fmt is not None and fmt.name == "ud-q4_k_xl"


def test_format_without_file_type(tmp_path: Path) -> None:
    """Without general.file_type most bytes decide."""
    metadata = {key: item for key, item in llama_metadata().items() if key != "general.file_type"}
    fmt = find_model_and_format(str(write(tmp_path / "t.gguf", metadata, llama(kind="q8_0"))), offline=True)[1]
    assert fmt is not None and fmt.name == "q8_0"


def test_folder_with_one_gguf(tmp_path: Path) -> None:
    """A folder stands for the one model in it; a projector beside it does not count, two models are too many."""
    write(tmp_path / "tiny.gguf", llama_metadata(), llama())
    write(tmp_path / "mmproj-tiny.gguf", llama_metadata(), [])
    assert find_model_and_format(str(tmp_path), offline=True)[0].layers == 2
    write(tmp_path / "other.gguf", llama_metadata(), llama())
    with pytest.raises(BadInput, match=r"other\.gguf, tiny\.gguf"):
        find_model_and_format(str(tmp_path), offline=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "cannot be read|no complete"), (b"PK\x03\x04zip", "no GGUF"), (b"GGUF\x09\x00\x00\x00" + bytes(16), "version 9"),
     (b"GGUF\x03\x00\x00\x00\xff\xff\xff", "complete")],
)  # fmt: skip
def test_broken_files(tmp_path: Path, content: bytes, told: str) -> None:
    """What is no GGUF, of another version, or cut off is refused in words."""
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=told):
        find_model_and_format(str(path), offline=True)


def test_cut_off_anywhere(tmp_path: Path) -> None:
    """A header cut at any place is an error in words, never a traceback."""
    whole = write(tmp_path / "whole.gguf", llama_metadata(), llama(1)).read_bytes()
    for end in range(8, len(whole) - 1, 997):
        (tmp_path / "cut.gguf").write_bytes(whole[:end])
        with pytest.raises(BadInput):
            find_model_and_format(str(tmp_path / "cut.gguf"), offline=True)

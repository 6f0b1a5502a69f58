"""Weight formats and their many names."""

from __future__ import annotations

import pytest

from advisor.catalog import formats, weights_format
from advisor.errors import BadInput
from tests.data import measured_names

NAMED = [
    ("Q4_K_M", "q4_K_M"), ("q4_k_m", "q4_K_M"), ("4-bit GGUF", "q4_K_M"), ("AWQ", "awq-int4"), ("4-bit (AWQ)", "awq-int4"),
    ("fp16/bf16", "bf16"), ("FP8 dynamic", "fp8"), ("F16", "f16"), ("fp16", "fp16"), ("int4", "w4a16"), ("gptq4", "gptq-int4"),
    ("UD-Q4_K_XL", "ud-q4_k_xl"), ("MXFP4_MOE", "mxfp4-moe"), ("NVFP4", "nvfp4"), ("W8A8", "int8-w8a8"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), NAMED)
def test_names(text: str, name: str) -> None:
    """Names and aliases are found in any case and punctuation."""
    assert weights_format(text).name == name


@pytest.mark.parametrize(
    ("text", "engine", "name"),
    [("bf16", "ollama", "bf16-gguf"), ("fp16", "ollama", "f16"), ("F16", "vllm", "fp16"), ("mxfp4", "ollama", "mxfp4-gguf"),
     ("int8", "ollama", "q8_0"), ("q8_0", "vllm", "q8_0"), ("awq", "vllm", "awq-int4")],
)  # fmt: skip
def test_twins(text: str, engine: str, name: str) -> None:
    """A name that an engine does not load stands for its twin there, if it has one."""
    assert weights_format(text, engine).name == name


def test_unknown_names_the_nearest() -> None:
    """A misspelt format is answered with the nearest ones."""
    with pytest.raises(BadInput, match="q4_K_M"):
        weights_format("Q4_KM_M")


def test_aliases_are_unambiguous() -> None:
    """No two formats share a name or an alias."""
    seen: dict[str, str] = {}
    for name, entry in formats().items():
        for word in (name, *entry.aliases):
            plain = "".join(letter for letter in word.lower() if letter.isalnum())
            assert seen.setdefault(plain, name) == name, word


@pytest.mark.parametrize(
    ("name", "bits"),
    [("q4_0", 4 + 16 / 32), ("q4_1", 4 + 32 / 32), ("q8_0", 8 + 16 / 32), ("q6_K", 210 * 8 / 256), ("q5_K_S", 176 * 8 / 256),
     ("awq-int4", 4 + 16 / 128 + 4 / 128), ("gptq-int8", 8 + 16 / 128 + 8 / 128), ("w4a16", 4 + 16 / 128), ("mxfp4", 4 + 8 / 32),
     ("nvfp4", 4 + 8 / 16)],
)  # fmt: skip
def test_bits_follow_from_the_layout(name: str, bits: float) -> None:
    """Bits per weight are the block's bytes over its elements, scales and zero points included."""
    assert formats()[name].linear_bits == pytest.approx(bits, abs=1e-9)


def test_mix_of_q4_k_m() -> None:
    """Q4_K_M of Llama 3.1 8B: half of the value and down matrices at Q6_K, everything else at Q4_K."""
    query_and_output, key, value, gate_and_up, down = (
        2 * 4096**2,
        4096 * 1024,
        4096 * 1024,
        2 * 4096 * 14336,
        4096 * 14336,
    )
    plain, raised = query_and_output + key + gate_and_up, value + down
    mean = (plain * 4.5 + raised * (4.5 + 6.5625) / 2) / (plain + raised)
    assert formats()["q4_K_M"].linear_bits == pytest.approx(mean, abs=0.001)


def test_measured_formats_are_known() -> None:
    """At least 99 % of the published measurements that name a quantisation name one that is known."""
    named = measured_names("quantization")
    named.pop("Ollama default tag")
    unknown = {}
    for name, rows in named.items():
        try:
            weights_format(name)
        except BadInput:
            unknown[name] = rows
    assert sum(unknown.values()) <= 0.01 * sum(named.values()), unknown

"""Names of cards as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_counts import parse_gpus
from advisor.catalog.gpu_names import find_gpu, with_memory
from advisor.errors import BadInput
from advisor.units import GIB

FOUND = [
    ("A10", "nvidia-a10"),
    ("NVIDIA A10G", "nvidia-a10g"),
    ("A10G 24GB", "nvidia-a10g"),
    ("L4", "nvidia-l4"),
    ("l40s", "nvidia-l40s"),
    ("H100", "nvidia-h100-sxm5-80gb"),
    ("H100-80GB", "nvidia-h100-sxm5-80gb"),
    ("H100 SXM 80GB", "nvidia-h100-sxm5-80gb"),
    ("H100 PCIe", "nvidia-h100-pcie-80gb"),
    ("H100 NVL", "nvidia-h100-nvl-94gb"),
    ("A100 40GB", "nvidia-a100-sxm4-40gb"),
    ("A100 80GB", "nvidia-a100-sxm4-80gb"),
    ("A100 PCIe 80GB", "nvidia-a100-pcie-80gb"),
    ("RTX 4090 24GB", "nvidia-rtx-4090"),
    ("GeForce RTX4090", "nvidia-rtx-4090"),
    ("rtx-3090", "nvidia-rtx-3090"),
    ("3090 ti", "nvidia-rtx-3090-ti"),
    ("4060ti 16gb", "nvidia-rtx-4060-ti-16gb"),
    ("RTX 4080 Laptop 12GB", "nvidia-rtx-4080-laptop"),
    ("RTX PRO 6000 Blackwell 96GB", "nvidia-rtx-pro-6000-blackwell-ws"),
    ("Tesla T4 16GB", "nvidia-t4"),
    ("GTX 1080", "nvidia-gtx-1080"),
    ("MI300X", "amd-mi300x"),
    ("7900xtx", "amd-rx-7900-xtx"),
    ("Radeon AI PRO R9700 32GB", "amd-ai-pro-r9700"),
    ("Strix Halo", "amd-strix-halo-8060s"),
    ("Ryzen AI Max+ 395", "amd-strix-halo-8060s"),
    ("DGX Spark (GB10) 128GB", "nvidia-gb10-dgx-spark"),
    ("Intel Max 1550", "intel-max-1550"),
    ("Arc B580", "intel-arc-b580"),
    ("M2 Ultra 192GB", "apple-m2-ultra"),
    ("Apple M3 Max 64GB", "apple-m3-max-40c"),
    ("M3 Max 96GB", "apple-m3-max-30c"),
    ("Apple M3 Max 40‑Core GPU 64GB", "apple-m3-max-40c"),
]


@pytest.mark.parametrize(("text", "gpu_id"), FOUND)
def test_found(text: str, gpu_id: str) -> None:
    """Case, blanks, dashes and vendor words do not matter; a memory size or a bin selects the variant."""
    assert find_gpu(text).id == gpu_id


ASKED = [
    ("4060 ti", "8 or 16 GB"),
    ("RTX 3080", "10 or 12 GB"),
    ("A100", "40 or 80 GB"),
    ("Apple M4 Pro", "24 or 48 or 64 GB"),
    ("M3 Max", "30-core GPU.*40-core GPU"),
    ("GTX 1650", "GDDR5.*GDDR6"),
    ("Radeon 780M", "how many GB"),
    ("RTX 6000", "RTX 6000 Ada Generation"),
    ("RTX 4080 12GB", "RTX 4080: 16 GB.*Laptop GPU: 12 GB"),
    ("RTX 4900", "nearest are NVIDIA GeForce RTX 4090,"),
    ("H100 96GB", "94 GB.*80 GB"),
    ("M2 Ultra 100GB", "64, 128 or 192 GB"),
    ("GTX 4090", "RTX 4090"),
    ("RTX 9090", "RTX 4090"),
    ("", "names no card, which"),
    ("24GB VRAM", "names no card, which"),
    ("RTX 7090", "nearest are NVIDIA GeForce RTX"),
    ("M6 Max 128GB", "nearest are Apple"),
    ("RTX 9999", "mean NVIDIA GeForce RTX"),
    ("RX 9999", "mean AMD Radeon RX"),
    ("Arc B999", "mean Intel Arc B"),
    ("MI400X", "mean AMD Instinct MI"),
    ("H300", "mean NVIDIA H"),
]


@pytest.mark.parametrize(("text", "told"), ASKED)
def test_asked_back(text: str, told: str) -> None:
    """What is ambiguous, not sold or unknown is refused with the choices, the sizes or the nearest names."""
    with pytest.raises(BadInput, match=told):
        find_gpu(text)


@pytest.mark.parametrize("wrong", ["nvidia-a100-sxm4-40gb", "nvidia-a10g"])
def test_a10_is_no_other_card(wrong: str) -> None:
    """A10 is contained in other names and means none of them."""
    assert find_gpu("A10").id != wrong


def test_guess_takes_the_largest() -> None:
    """A caller that cannot ask gets the largest variant and the largest memory."""
    assert find_gpu("RTX 3060", guess=True).id == "nvidia-rtx-3060-12gb"
    assert find_gpu("Apple M4 Pro", guess=True).memory_bytes == 64 * GIB


def test_full_name_of_every_entry() -> None:
    """Every entry's own name, with a size where it is sold with several, leads back to it."""
    for gpu in gpus():
        assert find_gpu(_named(gpu)).id == gpu.id


def _named(gpu: GpuSpec) -> str:
    if gpu.memory_options_bytes:
        return f"{gpu.name} {gpu.memory_options_bytes[0] / GIB:g}GB"
    return gpu.name if gpu.memory_bytes else f"{gpu.name} 32GB"


@given(st.sampled_from(gpus()), st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from([" ", "  ", " - "]))
def test_spelling_does_not_matter(gpu: GpuSpec, case: object, blank: str) -> None:
    """Case and blanks never change which card is found."""
    text = _named(gpu)
    respelled = case(text).replace(" ", blank)  # type: ignore[operator]
    try:
        assert find_gpu(respelled).id == gpu.id
    except BadInput as error:  # only a name that is the beginning of another one may be asked back
        assert gpu.name in str(error)


def test_unified_memory_is_the_machines() -> None:
    """For Apple the size is the machine's, and the GPU's share follows from it."""
    small, large = find_gpu("Apple M2 16GB"), find_gpu("Apple M2 Ultra 128GB")
    assert (small.memory_bytes, large.memory_bytes) == (16 * GIB, 128 * GIB)
    assert small.gpu_memory_fraction == pytest.approx(2 / 3, abs=1e-3)
    assert large.gpu_memory_fraction == 0.75


def test_smaller_bin_scales_arithmetic_only() -> None:
    """A chip with fewer GPU cores computes less and reads memory as fast."""
    full, small = find_gpu("Apple M1 8GB"), find_gpu("Apple M1 7-core GPU 8GB")
    assert small.dense_flops["fp16"] == pytest.approx(full.dense_flops["fp16"] * 7 / 8)
    assert small.bandwidth_bytes_per_s == full.bandwidth_bytes_per_s


def test_with_memory_leaves_others_alone() -> None:
    """Another memory size changes nothing else of an entry that is not Apple's."""
    gpu = find_gpu("Strix Halo")
    assert with_memory(gpu, 64 * GIB).gpu_memory_fraction == gpu.gpu_memory_fraction


COUNTED = [
    ("2x RTX 4090", [(2, "nvidia-rtx-4090")]),
    ("RTX 4090 x2", [(2, "nvidia-rtx-4090")]),
    ("4×A100 80GB", [(4, "nvidia-a100-sxm4-80gb")]),
    ("8 H100", [(8, "nvidia-h100-sxm5-80gb")]),
    ("2x RTX 3090 + RTX 4090", [(2, "nvidia-rtx-3090"), (1, "nvidia-rtx-4090")]),
    ("Ryzen AI Max+ 395", [(1, "amd-strix-halo-8060s")]),
    ("Apple M3 Max 64GB", [(1, "apple-m3-max-40c")]),
]


@pytest.mark.parametrize(("text", "expected"), COUNTED)
def test_counts(text: str, expected: list[tuple[int, str]]) -> None:
    """A count may stand before or behind the name, and plus signs join different cards."""
    assert [(count, gpu.id) for count, gpu in parse_gpus(text)] == expected


@pytest.mark.parametrize("text", ["0x RTX 4090", "2x", "RTX 4090 +  "])
def test_bad_counts(text: str) -> None:
    """No card, or none of a card, is refused."""
    with pytest.raises(BadInput):
        parse_gpus(text)

"""Names of cards as drivers print them."""

from __future__ import annotations

import pytest

from advisor.catalog import gpus
from advisor.catalog.gpu_names import match_driver_name
from advisor.units import GIB, MIB

PRINTED = [
    ("NVIDIA GeForce RTX 4090", 24564 * MIB, None, "nvidia-rtx-4090"),
    ("NVIDIA GeForce RTX 4090", 49140 * MIB, None, "nvidia-rtx-4090"),  # modified card: the chip is the same
    ("NVIDIA A10", 23028 * MIB, None, "nvidia-a10"),
    ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20 * GIB, None, "nvidia-a100-sxm4-40gb"),
    ("A100-SXM4-40GB", 40960 * MIB, None, "nvidia-a100-sxm4-40gb"),
    ("GeForce GTX 1080", 8 * GIB, None, "nvidia-gtx-1080"),
    ("NVIDIA GeForce RTX 4060 Ti", 16379 * MIB, None, "nvidia-rtx-4060-ti-16gb"),
    ("NVIDIA GeForce RTX 4060 Ti", 8188 * MIB, None, "nvidia-rtx-4060-ti-8gb"),
    ("NVIDIA GeForce GTX 1650", 4 * GIB, None, "nvidia-gtx-1650-gddr5"),  # the slower of two that cannot be told apart
    ("NVIDIA H200", 143771 * MIB, None, "nvidia-h200-sxm"),
    ("NVIDIA H200 NVL", 143771 * MIB, None, "nvidia-h200-nvl"),
    ("AMD Radeon RX 7900 XTX", 24 * GIB, None, "amd-rx-7900-xtx"),
    ("AMD_Instinct_MI300X", 192 * GIB, None, "amd-mi300x"),
    ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 128 * GIB, None, "amd-strix-halo-8060s"),
    ("Apple M3 Max", 64 * GIB, 40, "apple-m3-max-40c"),
    ("Apple M3 Max", 36 * GIB, 30, "apple-m3-max-30c"),
    ("Apple M3 Max", 96 * GIB, None, "apple-m3-max-30c"),
    ("Intel(R) Arc(TM) B580 Graphics", 12 * GIB, None, "intel-arc-b580"),
    ("NVIDIA GB10", None, None, "nvidia-gb10-dgx-spark"),
]


@pytest.mark.parametrize(("name", "memory", "cores", "gpu_id"), PRINTED)
def test_matched(name: str, memory: int | None, cores: int | None, gpu_id: str) -> None:
    """The whole name decides, then the core count, then the memory, then the lower bandwidth."""
    found = match_driver_name(name, memory, cores)
    assert found is not None
    assert found.id == gpu_id


@pytest.mark.parametrize("name", ["NVIDIA A1000", "NVIDIA GeForce RTX 409", "llvmpipe", ""])
def test_not_matched(name: str) -> None:
    """A name that is only part of another, or of nothing, is not in the catalogue."""
    assert match_driver_name(name, None, None) is None


def test_every_driver_name_matches_a_card_of_that_name() -> None:
    """Every name in the catalogue finds an entry that prints it."""
    for gpu in gpus():
        for name in gpu.match:
            found = match_driver_name(name, gpu.memory_bytes or None, gpu.cores)
            assert found is not None
            assert name in found.match

"""Expressions that are compiled when they are needed find what they would find if they were compiled at once."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Iterator

import pytest

import advisor.catalog
import advisor.models
import advisor.probe
from advisor.catalog.products import _laptops
from advisor.pattern import Pattern

PIECES = (
    "RTX 4090", "2x", "(x2)", "A100-40C", "128 GB", "64GB", "RAM", "DDR5-5600", "host memory:", "of ECC memory", "video RAM",
    "nvlink", "no P2P", "PCIe 3.0 x8", "MIG 1g.5gb", "3g.20gb on", "@ 250W", "at 300 watts", "limited to", "850 W PSU",
    "2 TB NVMe", "Windows 11", "WSL", "Ubuntu 24.04 LTS", "macOS 15", "EPYC 9654", "Ryzen 9 7950X", "Xeon Gold 6430",
    "Core Ultra 7 265K", "i9-14900K", "7800X3D", "14900k", "CPU only", "none", "no gpu", "1008 GB/s", "sm_89", "CC 8.9", "gfx1100",
    "82 TFLOPS fp16", "compute capability 9.0", "ThinkPad P16", "XPS 15", "TUF gaming A15", "with", "and", "+", ",", "(", ")",
)  # fmt: skip


def patterns() -> Iterator[tuple[str, Pattern]]:
    """Every one that stands in a module, by its place."""
    for room in (advisor.catalog, advisor.models, advisor.probe):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            held = vars(importlib.import_module(module.name))
            yield from ((f"{module.name}.{name}", one) for name, one in held.items() if isinstance(one, Pattern))
    yield "the laptops of products.yaml", _laptops()


@pytest.mark.parametrize(("place", "pattern"), [*patterns()], ids=lambda given: given if isinstance(given, str) else "")
def test_no_match_is_lost_for_a_word_that_was_not_looked_for(place: str, pattern: Pattern) -> None:
    """A text that is passed over for want of a word would not have matched."""
    dice = random.Random(place)
    for _ in range(2000):
        text = dice.choice((" ", "", ", ")).join(dice.choices(PIECES, k=dice.randint(1, 5)))
        text = dice.choice((text, text.lower(), text.upper()))
        assert (pattern.search(text) is None) == (pattern.compiled.search(text) is None), text
        assert pattern.sub(" ", text) == pattern.compiled.sub(" ", text)
        assert pattern.split(text) == pattern.compiled.split(text)

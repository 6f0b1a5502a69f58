"""The fitted constants as factors: what the rates of every engine are made of.

Each constant is a product: a base, times a factor for the card's family, times a factor for the kernel that multiplies
this weights format. A factor that was not fitted is 1. They come from `catalog/data/speed.yaml`, which
`python -m advisor.calibrate` writes; an engine's `rates.py` says which of them its kernels follow.
"""

from __future__ import annotations

from collections.abc import Mapping

from advisor.physics.speed.step import Facts

Constants = Mapping[str, float]

MOST = 0.97  # of the data sheet that any kernel is believed to reach


def product(values: Constants, name: str, *qualifiers: str) -> float:
    """Base constant times the factors of family and kernel, as far as they were fitted."""
    result = values[name]
    for qualifier in qualifiers:
        result *= values.get(f"{name}.{qualifier}", 1.0)
    return result


def overhead_s(values: Constants, facts: Facts, family: str, slower: float) -> float:
    """Seconds that a step costs beside its products: more with each layer; `slower` is that of an older version."""
    return (
        slower
        * product(values, "overhead_s", family)
        * (
            1.0
            + values["overhead_layers"] * facts.layers
            + values["overhead_sparse_layers"] * facts.sparse_layers
            + values["overhead_linear_layers"] * facts.linear_layers
        )
    )


def one_after_the_other(first: float, second: float) -> float:
    """Bytes/s of two passes over the same bytes that do not overlap."""
    return 1.0 / (1.0 / first + 1.0 / second)


def kind_of(facts: Facts, family: str) -> str:
    """Which factors a model's products have: those of processors are set by hand, so they are apart from the fitted."""
    return ("cpu_" if family == "cpu" else "") + ("moe" if facts.expert_bytes else "dense")

"""How large a number can be: a file may say that a model has 10^18 layers, and no loop over them would end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.edge.terminal import shown
from advisor.errors import BadInput

MOST_ITEMS = 4096  # of a list or mapping
ANY = (0.0, 1e24)  # none of our values is negative
_COUNT, _WIDTH, _TOKENS = (1, 10_000), (1, 1_000_000), (1, 100_000_000)
# Field → least and most: what is looped over, divided by, or makes a table. All other numbers are within `ANY`.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "layers": _COUNT, "layers_full": (0, 10_000), "layers_sliding": (0, 10_000), "layers_linear": (0, 10_000),
    "first_dense_layers": (0, 10_000), "cpu_layers": (0, 10_000), "stage_layers": _COUNT, "rank": (1, 512),
    "hidden": _WIDTH, "heads": _WIDTH, "kv_heads": _WIDTH, "head_dim": _WIDTH, "intermediate": (0, 100_000_000),
    "vocab": (0, 100_000_000), "parameters": (1, 1e16), "active_parameters": (1, 1e16),
    "mla_kv_lora_rank": _WIDTH, "sliding_window": _TOKENS,
    "experts": (0, 100_000), "experts_per_token": (0, 100_000), "shared_experts": (0, 100_000),
    "context_trained": _TOKENS, "context_tokens": _TOKENS, "max_in_flight": _TOKENS, "max_batched_tokens": _TOKENS,
    "peak_in_flight": (0, 1e9), "nodes": (1, 64), "replicas": _COUNT, "tensor_parallel": _COUNT,
    "pipeline_parallel": _COUNT,
    "index": (0, 10_000), "gpu_indices": (0, 10_000), "nvlink_peers": (0, 10_000), "numa_nodes": (0, 10_000),
    "cores": (0.01, 100_000), "threads": (1, 100_000), "cpu_threads": (1, 100_000), "memory_bytes": (1, 1e18),
    "bandwidth_bytes_per_s": (1, 1e18), "bytes_per_s": (1, 1e18), "nvlink_bytes_per_s": (1, 1e18),
    "dense_flops": (1, 1e24), "power_share": (0.01, 1.0), "memory_utilization": (0.01, 1.0),
    "port": (1, 65_535), "limit_s": (1, 86_400), "startup_s": (0, 1e7), "drain_s": (0, 1e7),
}  # fmt: skip


def check_bounds(data: Any, where: str) -> None:
    """Refuse numbers and lists without a sensible end.

    Args:
        data: plain dicts, lists and scalars.
        where: the file, for the message.

    Raises:
        BadInput: file, key, what was seen, what is accepted.
    """
    for keys, item in _walk(data, ()):
        if isinstance(item, dict | list):
            if len(item) > MOST_ITEMS:
                raise BadInput(f"{where}: {'.'.join(keys)}: has {len(item):,} items; at most {MOST_ITEMS:,} are read")
            continue
        least, most = next((BOUNDS[key] for key in reversed(keys[-2:]) if key in BOUNDS), ANY)
        if not least <= item <= most:
            accepted = f"a number from {least:,g} to {most:,g}"
            raise BadInput(f"{where}: {'.'.join(keys)}: must be {accepted}; saw {shown(item)}")


def _walk(item: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every list, mapping and number, with the keys that lead to it."""
    if isinstance(item, dict | list):
        yield keys, item
        for key, one in item.items() if isinstance(item, dict) else enumerate(item):
            yield from _walk(one, (*keys, str(key)))
    elif isinstance(item, int | float) and not isinstance(item, bool):
        yield keys, item

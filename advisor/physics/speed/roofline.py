"""What no engine can beat: every token reads the active weights and multiplies them."""

from __future__ import annotations

from advisor.physics.speed.device import Device
from advisor.physics.speed.step import Facts


def roof_tokens_per_s(facts: Facts, device: Device, batch: float, cards: int) -> float:
    """Most output tokens/s of `batch` sequences on `cards` cards that all work at once, with an empty KV cache.

    The weights are read once a step at full bandwidth; the products run at the highest rate the card has.
    """
    awake = 1.0 - (1.0 - facts.expert_share) ** batch if facts.expert_bytes else 0.0
    read_s = (facts.dense_bytes + facts.expert_bytes * awake) / (device.bandwidth * cards)
    fastest = max(device.flops_16, device.flops_8, device.flops_int8, device.flops_4)
    multiply_s = batch * facts.flops_per_token / (fastest * cards)
    return batch / max(read_s, multiply_s)

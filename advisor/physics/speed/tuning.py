"""What one machine's engine really takes, over what the fitted constants say: a factor for each kind of time.

Few, and each physical, so that what one model did under one load says something about every other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from advisor.physics.speed.device import Device
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.step import StepModel


class Tuning(NamedTuple):
    """How many times as long as by the constants."""

    reading: float = 1.0  # bytes of weights and KV cache
    multiplying: float = 1.0  # the products of a decode batch
    prefill: float = 1.0  # those of prompts
    overhead: float = 1.0  # a step's own work, and each sequence's part of it
    request: float = 1.0  # the server around the engine, for each request

    def step(self, step: StepModel) -> StepModel:
        """The step on this machine."""
        return replace(
            step,
            overhead_s=self.overhead * step.overhead_s,
            sequence_s=self.overhead * step.sequence_s,
            dense_s=self.reading * step.dense_s,
            expert_s=self.reading * step.expert_s,
            kv_full_s=self.reading * step.kv_full_s,
            kv_window_s=self.reading * step.kv_window_s,
            state_s=self.reading * step.state_s,
            token_s=self.multiplying * step.token_s,
            prefill_token_s=self.prefill * step.prefill_token_s,
            attention_s=self.prefill * step.attention_s,
            window_attention_s=self.prefill * step.window_attention_s,
        )

    def rule(self, rule: Discipline) -> Discipline:
        """The discipline on this machine."""
        if self == AS_FITTED:
            return rule
        return rule._replace(
            request_s=self.request * rule.request_s,
            serial_s=self.request * rule.serial_s,
            token_s=self.request * rule.token_s,
        )

    def device(self, device: Device) -> Device:
        """The device of the roofline: one that was seen to be faster is no longer held to be slower."""
        reads, computes = min(self.reading, 1.0), min(self.multiplying, self.prefill, 1.0)
        return device._replace(
            bandwidth=device.bandwidth / reads,
            flops_16=device.flops_16 / computes,
            flops_8=device.flops_8 / computes,
            flops_int8=device.flops_int8 / computes,
            flops_4=device.flops_4 / computes,
        )


AS_FITTED = Tuning()

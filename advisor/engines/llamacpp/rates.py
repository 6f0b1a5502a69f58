"""What llama.cpp's kernels reach on a device, by the constants that were fitted to its and Ollama's measurements."""

from __future__ import annotations

from advisor.catalog import constants
from advisor.catalog.entries import WeightsFormat
from advisor.physics.speed.device import Device
from advisor.physics.speed.rates import MOST, Constants, kind_of, one_after_the_other, overhead_s, product
from advisor.physics.speed.step import Facts, Rates

FP32_REFERENCE = 30e12  # the dequantisation ceilings are given for a card of this fp32 rate


def kernel_of(fmt: WeightsFormat) -> str:
    """The kernel family that llama.cpp multiplies this format with."""
    if fmt.name.startswith("mxfp4"):
        return "mxfp4"
    if fmt.linear_bits > 12:
        return "16"
    if fmt.linear_bits > 7:
        return "q8"
    return "q4" if fmt.linear_bits > 3.6 else "q2"


def backend_of(said: str, usual: str) -> str:
    """The back end that somebody names beside server or version; else the usual one of the card."""
    words = said.lower()
    known = constants("devices")["backends"].items()
    return next((name for name, signs in known if any(sign in words for sign in signs)), usual)


def rates_of(values: Constants, device: Device, kernel: str, backend: str, facts: Facts, years_old: float) -> Rates:
    """What llama.cpp's kernels reach on `device`: reading, then unpacking the quantised blocks, one after the other."""
    family = device.family
    better = values["efficiency_per_year"] ** -years_old
    slower = values["overhead_per_year"] ** years_old
    reading = min(product(values, "bandwidth", family, backend) * better, MOST) * device.bandwidth
    on_cpu = family == "cpu"
    if kernel != "16" and not on_cpu:
        reading = one_after_the_other(reading, _unpacking(values, device, kernel))
    # A CPU's small products go token by token: each one unpacks the blocks anew, in 32-bit or integer units.
    peak = device.flops_32 if on_cpu else device.flops_16
    compute = min(product(values, "compute", family, kernel, backend) * better, MOST)
    kind = kind_of(facts, family)
    prefill = compute * product(values, "prefill_compute", kind, family, kernel, backend)
    decode = min(compute * product(values, "decode_compute", family, kind), MOST)
    growth = 0.0 if on_cpu else product(values, "vector_growth", family, kernel, backend)
    return Rates(
        bytes_per_s=reading,
        expert_bytes_per_s=reading * min(values["expert_bandwidth"], 1.0),
        kv_bytes_per_s=device.bandwidth * min(product(values, "kv_bandwidth", family) * better, MOST),
        decode_flops=peak * (values["cpu_decode_compute"] if on_cpu else decode),
        prefill_flops=peak * min(prefill * (_prompt_share(facts) if on_cpu else 1.0), MOST),
        attention_flops=peak * min(product(values, "attention_compute", family), MOST),
        overhead_s=overhead_s(values, facts, family, slower) * values.get(f"overhead_s.{backend}", 1.0),
        sequence_s=product(values, "sequence_s", family),
        routing_spread=values["routing_spread"],
        vector_growth=growth,
        expert_growth=growth * values["vector_growth.moe"],
        all_reduce_s=0.0,
        link_bytes_per_s=1.0,
        stage_s=values["stage_s"],
    )


def _unpacking(values: Constants, device: Device, kernel: str) -> float:
    """Bytes/s at which quantised blocks are turned into numbers."""
    rate = product(values, "unpack_bytes_per_s", kernel, device.family)
    return rate * float((device.flops_32 / FP32_REFERENCE) ** values["unpack_power"])


def _prompt_share(facts: Facts) -> float:
    """How much faster a prompt token is than one with the head's product, which only the last token needs.

    It matters where models are small: most of Gemma 3 270M is its head. The constants of cards count the head.
    """
    return facts.flops_per_token / max(facts.flops_per_token - facts.head_flops, 0.1 * facts.flops_per_token)

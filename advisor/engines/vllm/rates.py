"""What vLLM's kernels reach on a device, by the constants that were fitted to its measurements."""

from __future__ import annotations

from advisor.catalog.entries import WeightsFormat
from advisor.physics.speed.device import Device
from advisor.physics.speed.rates import MOST, Constants, kind_of, one_after_the_other, overhead_s, product
from advisor.physics.speed.step import SHARPNESS, Facts, Rates

NATIVE_FP8 = ("ada", "hopper", "blackwell_hbm", "blackwell", "gb10", "cdna", "rdna")
NATIVE_FP4 = ("blackwell_hbm", "blackwell", "gb10")
AMD = ("cdna", "rdna", "igpu")
WIDE = "32"  # the kernel of 32-bit weights: nothing to widen


def kernel_of(fmt: WeightsFormat, device: Device) -> tuple[str, float]:
    """The kernel family that vLLM multiplies this format with on this card, and its peak FLOP/s."""
    name, family = fmt.name, device.family
    if fmt.kind == "plain":
        return (WIDE, device.flops_32) if fmt.linear_bits > 16 else ("16", device.flops_16)
    if name.startswith("fp8"):
        native = family in NATIVE_FP8 and device.flops_8 > device.flops_16
        return ("fp8", device.flops_8) if native else ("w8", device.flops_16)
    if name == "int8-w8a8":
        return "int8", device.flops_int8
    if name == "nvfp4" and family in NATIVE_FP4:
        return "nvfp4", device.flops_4
    if fmt.linear_bits > 6:
        return "w8", device.flops_16
    if name.startswith("mxfp4"):
        return ("mxfp4_native", device.flops_8) if family in NATIVE_FP4 else ("mxfp4", device.flops_16)
    # Marlin is CUDA only: elsewhere 4-bit weights are unpacked by general Triton kernels.
    return ("int4_rocm" if family in AMD else "int4"), device.flops_16


def rates_of(values: Constants, device: Device, kernel: str, peak: float, facts: Facts, years_old: float) -> Rates:
    """What vLLM's kernels reach on `device`; `years_old` is the engine's age before the pinned version."""
    family = device.family
    better = values["efficiency_per_year"] ** -years_old
    slower = values["overhead_per_year"] ** years_old
    reading = min(product(values, "bandwidth", family, kernel) * better, MOST)
    compute = min(product(values, "compute", family, kernel) * values["compute_per_year"] ** -years_old, MOST)
    cards, kind = max(device.cards, 1), kind_of(facts, family)
    weights = device.bandwidth * reading
    if family == "cpu" and kernel != WIDE and device.flops_16 <= device.flops_32:
        weights = one_after_the_other(weights, values["cpu_widen_bytes_per_flop"] * device.flops_32)
    return Rates(
        bytes_per_s=weights,
        expert_bytes_per_s=weights * min(product(values, "expert_bandwidth", kernel), MOST / reading),
        kv_bytes_per_s=device.bandwidth * min(product(values, "kv_bandwidth", family) * better, MOST),
        decode_flops=peak * min(compute * product(values, "decode_compute", kind, kernel), MOST),
        prefill_flops=peak * min(compute * product(values, "prefill_compute", kind), MOST),
        attention_flops=device.flops_16 * min(product(values, "attention_compute", family), MOST),
        overhead_s=overhead_s(values, facts, family, slower),
        sequence_s=slower * product(values, "sequence_s", family),
        routing_spread=values["routing_spread"],
        vector_growth=0.0,
        expert_growth=0.0,
        all_reduce_s=slower * values[f"all_reduce_s.{device.link}"] * cards**0.5 if cards > 1 else 0.0,
        link_bytes_per_s=_own_way(device) * values[f"link.{device.link}"] if cards > 1 else 1.0,
        stage_s=values["stage_s"],
        sharpness=values["cpu_sharpness"] if family == "cpu" else SHARPNESS,
    )


def _own_way(device: Device) -> float:
    """Bytes/s that one card has of the links while all of them talk.

    Without NVLink the way leads through the host's bridges, where more than two cards are in each other's way; from
    there on vLLM leaves its own all-reduce for NCCL's ring, too.
    """
    return device.link_bytes_per_s if device.link == "nvlink" else device.link_bytes_per_s * 2.0 / device.cards

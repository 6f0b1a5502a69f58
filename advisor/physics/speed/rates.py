"""The fitted constants, turned into the rates of one engine on one device.

Each constant is a product: a base, times a factor for the card's family, times a factor for the kernel that multiplies
this weights format. A factor that was not fitted is 1. They come from `catalog/data/speed.yaml`, which
`python -m advisor.calibrate` writes.
"""

from __future__ import annotations

from collections.abc import Mapping

from advisor.catalog.entries import WeightsFormat
from advisor.physics.speed.device import Device
from advisor.physics.speed.step import SHARPNESS, Facts, Rates

Constants = Mapping[str, float]

NATIVE_FP8 = ("ada", "hopper", "blackwell_hbm", "blackwell", "gb10", "cdna", "rdna")
NATIVE_FP4 = ("blackwell_hbm", "blackwell", "gb10")
AMD = ("cdna", "rdna", "igpu")
MOST = 0.97  # of the data sheet that any kernel is believed to reach
WIDE = "32"  # the kernel of 32-bit weights: nothing to widen
FP32_REFERENCE = 30e12  # the dequantisation ceilings are given for a card of this fp32 rate


def product(values: Constants, name: str, *qualifiers: str) -> float:
    """Base constant times the factors of family and kernel, as far as they were fitted."""
    result = values[name]
    for qualifier in qualifiers:
        result *= values.get(f"{name}.{qualifier}", 1.0)
    return result


def vllm_kernel(fmt: WeightsFormat, device: Device) -> tuple[str, float]:
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


def llamacpp_kernel(fmt: WeightsFormat) -> str:
    """The kernel family that llama.cpp multiplies this format with."""
    if fmt.name.startswith("mxfp4"):
        return "mxfp4"
    if fmt.linear_bits > 12:
        return "16"
    if fmt.linear_bits > 7:
        return "q8"
    return "q4" if fmt.linear_bits > 3.6 else "q2"


def vllm_rates(values: Constants, device: Device, kernel: str, peak: float, facts: Facts, years_old: float) -> Rates:
    """What vLLM's kernels reach on `device`; `years_old` is the engine's age before the pinned version."""
    family = device.family
    better = values["efficiency_per_year"] ** -years_old
    slower = values["overhead_per_year"] ** years_old
    reading = min(product(values, "bandwidth", family, kernel) * better, MOST)
    compute = min(product(values, "compute", family, kernel) * values["compute_per_year"] ** -years_old, MOST)
    cards, kind = max(device.cards, 1), _kind(facts, family)
    weights = device.bandwidth * reading
    if family == "cpu" and kernel != WIDE and device.flops_16 <= device.flops_32:
        weights = one_after_the_other(weights, values["cpu_widen_bytes_per_flop"] * device.flops_32)
    return Rates(
        bytes_per_s=weights,
        expert_bytes_per_s=weights * min(product(values, "expert_bandwidth", kernel), MOST / reading),
        kv_bytes_per_s=device.bandwidth * min(product(values, "kv_bandwidth", family) * better, MOST),
        decode_flops=peak * min(compute * product(values, "decode_compute", kind), MOST),
        prefill_flops=peak * min(compute * product(values, "prefill_compute", kind), MOST),
        attention_flops=device.flops_16 * min(product(values, "attention_compute", family), MOST),
        overhead_s=slower
        * product(values, "overhead_s", family)
        * (
            1.0
            + values["overhead_layers"] * facts.layers
            + values["overhead_sparse_layers"] * facts.sparse_layers
            + values["overhead_linear_layers"] * facts.linear_layers
        ),
        sequence_s=slower * product(values, "sequence_s", family),
        routing_spread=values["routing_spread"],
        vector_growth=0.0,
        all_reduce_s=slower * values[f"all_reduce_s.{device.link}"] * cards**0.5 if cards > 1 else 0.0,
        link_bytes_per_s=device.link_bytes_per_s * values[f"link.{device.link}"] if cards > 1 else 1.0,
        stage_s=values["stage_s"],
        sharpness=values["cpu_sharpness"] if family == "cpu" else SHARPNESS,
    )


def one_after_the_other(first: float, second: float) -> float:
    """Bytes/s of two passes over the same bytes that do not overlap."""
    return 1.0 / (1.0 / first + 1.0 / second)


def _kind(facts: Facts, family: str) -> str:
    """Which factors a model's products have: those of processors are set by hand, so they are apart from the fitted."""
    return ("cpu_" if family == "cpu" else "") + ("moe" if facts.expert_bytes else "dense")


def _prompt_share(facts: Facts) -> float:
    """How much faster a prompt token is than one with the head's product, which only the last token needs.

    It matters where models are small: most of Gemma 3 270M is its head. The constants of cards count the head.
    """
    return facts.flops_per_token / max(facts.flops_per_token - facts.head_flops, 0.1 * facts.flops_per_token)


def _unpacking(values: Constants, device: Device, kernel: str) -> float:
    """Bytes/s at which quantised blocks are turned into numbers."""
    rate = product(values, "unpack_bytes_per_s", kernel, device.family)
    return rate * float((device.flops_32 / FP32_REFERENCE) ** values["unpack_power"])


def llamacpp_rates(values: Constants, device: Device, kernel: str, facts: Facts, years_old: float) -> Rates:
    """What llama.cpp's kernels reach on `device`: reading, then unpacking the quantised blocks, one after the other."""
    family = device.family
    better = values["efficiency_per_year"] ** -years_old
    slower = values["overhead_per_year"] ** years_old
    reading = min(product(values, "bandwidth", family) * better, MOST) * device.bandwidth
    on_cpu = family == "cpu"
    if kernel != "16" and not on_cpu:
        reading = one_after_the_other(reading, _unpacking(values, device, kernel))
    # A CPU's small products go token by token: each one unpacks the blocks anew, in 32-bit or integer units.
    peak = device.flops_32 if on_cpu else device.flops_16
    compute = min(product(values, "compute", family, kernel) * better, MOST)
    kind = _kind(facts, family)
    decode = min(compute * product(values, "decode_compute", family, kind), MOST)
    return Rates(
        bytes_per_s=reading,
        expert_bytes_per_s=reading * min(values["expert_bandwidth"], 1.0),
        kv_bytes_per_s=device.bandwidth * min(product(values, "kv_bandwidth", family) * better, MOST),
        decode_flops=peak * (values["cpu_decode_compute"] if on_cpu else decode),
        prefill_flops=peak
        * min(compute * product(values, "prefill_compute", kind) * (_prompt_share(facts) if on_cpu else 1.0), MOST),
        attention_flops=peak * min(product(values, "attention_compute", family), MOST),
        overhead_s=slower
        * product(values, "overhead_s", family)
        * (
            1.0
            + values["overhead_layers"] * facts.layers
            + values["overhead_sparse_layers"] * facts.sparse_layers
            + values["overhead_linear_layers"] * facts.linear_layers
        ),
        sequence_s=product(values, "sequence_s", family),
        routing_spread=values["routing_spread"],
        vector_growth=0.0 if on_cpu else product(values, "vector_growth", family, kernel),
        all_reduce_s=0.0,
        link_bytes_per_s=1.0,
        stage_s=values["stage_s"],
    )

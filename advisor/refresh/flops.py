"""The dense arithmetic rates of a card from its row (fp32 accumulation), and what stands in for a blank."""

from __future__ import annotations

from typing import Literal

from advisor.refresh.table import Row, number
from advisor.units import TERA

Basis = Literal["read", "derived", "assumed"]

COLUMNS = {
    "fp32": "fp32_tflops",
    "fp16": "fp16_tensor_dense_tflops_fp32acc",
    "bf16": "bf16_dense_tflops",
    "fp8": "fp8_dense_tflops",
    "int8": "int8_dense_tops",
    "fp4": "fp4_dense_tflops",
}
# TFLOPS a GPU core, from rows of the same generation (M1, M3, M4) and for the M2 from hmc-tech.com, also the
# source of those rows. The M5 has no published rate: the M4's is a floor (its matrix units are not counted).
APPLE_TFLOPS_PER_CORE = {"m1": 0.331, "m2": 0.358, "m3": 0.357, "m4": 0.43, "m5": 0.43}
# Rates that stand in the remarks of the table and not in its columns.
REMARKED_FP16 = {
    "nvidia-p100-pcie-16gb": (19.0, "packed fp16 vector rate"),
    "nvidia-p100-sxm2-16gb": (21.2, "packed fp16 vector rate, twice fp32"),
    "amd-mi50-16gb": (26.8, "packed fp16 vector rate"),
    "amd-radeon-vii": (26.8, "packed fp16 vector rate, twice fp32"),
    "nvidia-gb10-dgx-spark": (100.0, "fp16 and bf16 as quoted in a review; NVIDIA publishes none"),
    "nvidia-rtx-6000d": (144.0, "fp16 and bf16 as measured"),
}
ORIN_FLOP_PER_CLOCK = 2048  # of one SM at 16 bit: half of the int8 rate read for the Orin Nano and the Nano Super
WITH_BF16 = ("nvidia-gb10-dgx-spark", "nvidia-rtx-6000d")


def dense_flops(row: Row) -> tuple[dict[str, float], Basis, str]:
    """FLOP/s by dtype, the basis of the 16-bit rate, and a remark where a blank had to be filled."""
    tflops = {dtype: value for dtype, column in COLUMNS.items() if (value := number(row[column])) is not None}
    remark, basis = "", _basis(row)
    if row["vendor"] == "Apple":
        remark = _apple(row, tflops)
        basis = "derived"
    elif "fp16" not in tflops:
        remark = _fill(row, tflops)
        basis = "assumed" if remark else basis
    return {dtype: round(value * TERA, -6) for dtype, value in tflops.items()}, basis, remark


def _basis(row: Row) -> Basis:
    return "derived" if row["tensor_basis"].startswith("derived") else "read"


def _apple(row: Row, tflops: dict[str, float]) -> str:
    """The GPU cores have no matrix unit that llama.cpp uses: fp16 runs at the vector rate of fp32."""
    generation = row["id"].split("-")[1]
    remark = ""
    if "fp32" not in tflops:
        tflops["fp32"] = round(APPLE_TFLOPS_PER_CORE[generation] * int(row["sm_or_cu"]), 2)
        remark = f"fp32 from {APPLE_TFLOPS_PER_CORE[generation]} TFLOPS a core"
        if generation == "m5":
            remark += " of the M4, a floor: the rate of the M5's matrix units is not published"
    tflops["fp16"] = tflops["fp32"]
    return remark


def _fill(row: Row, tflops: dict[str, float]) -> str:
    """Fill the blank 16-bit rate with what the table says elsewhere, with the lower of two readings."""
    if row["id"] in REMARKED_FP16:
        tflops["fp16"], remark = REMARKED_FP16[row["id"]]
        if row["id"] in WITH_BF16:
            tflops["bf16"] = tflops["fp16"]
        return remark
    fp16_accumulate = number(row["fp16_tensor_dense_tflops_fp16acc"])
    if fp16_accumulate and row["architecture"] == "RDNA2":
        tflops["fp16"] = fp16_accumulate
        return ""
    if fp16_accumulate:
        tflops["fp16"] = tflops["bf16"] = fp16_accumulate / 2
        fp8 = number(row["fp8_dense_tflops_fp16acc"])
        if fp8:
            tflops["fp8"] = fp8 / 2
        return "16-bit and fp8 rates: half of the fp16-accumulate rates, the lower of the two printed"
    if "bf16" in tflops:
        tflops["fp16"] = tflops["bf16"]
        return ""
    if "int8" in tflops:
        tflops["fp16"] = tflops["int8"] / 2
        return "fp16: half of the int8 rate, as in every row that has both"
    return _vector(row, tflops)


def _vector(row: Row, tflops: dict[str, float]) -> str:
    """No matrix unit, or none that a source gives a rate for: the vector rate."""
    if "fp4" in tflops:
        tflops["fp16"] = tflops["bf16"] = tflops["fp4"] / 8
        return "16-bit rates: an eighth of the fp4 rate, as with fp32 accumulation on GeForce of this generation"
    if row["architecture"] == "Orin" and row["boost_mhz"]:
        tflops["fp16"] = tflops["bf16"] = round(
            int(row["sm_or_cu"]) * ORIN_FLOP_PER_CLOCK * int(row["boost_mhz"]) / 1e6, 1
        )
        return "16-bit rates: 2048 FLOP a clock and SM, as the int8 rate of the Orin Nano implies"
    if "fp32" not in tflops:
        return ""
    twice = "packed fp16 at twice fp32" in row["flags"]
    tflops["fp16"] = tflops["fp32"] * (2 if twice else 1)
    if row["compute_capability_or_gfx"] == "6.1":
        return "fp16 runs in fp32 arithmetic on this chip: the fp32 rate"
    return "" if twice else "fp16: no rate in a source, the vector fp32 rate"

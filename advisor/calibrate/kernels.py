"""What matrix products alone reach, measured apart from any engine: the fit is held near these."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

from advisor.catalog.entries import GpuSpec
from advisor.catalog.gpu_names import find_gpu
from advisor.errors import BadInput
from advisor.physics.speed.device import family
from advisor.probe.named import accelerator

KERNELS = {"bfloat16": "16", "fp8": "fp8", "nvfp4": "nvfp4"}
BANDWIDTH_SIGMA = 0.6  # 4096 x 4096 is smaller than a layer of most models, and short kernels reach less
COMPUTE_SIGMA = 0.8  # a kernel alone runs cooler than an engine under load: an upper end, not an estimate
TABLE_NAMES = {"gb200": "NVIDIA GB200", "b60": "Arc Pro B60"}


class Held(NamedTuple):
    """The product of these constants was measured."""

    names: tuple[str, ...]
    log_value: float
    sigma: float
    source: str


def measured(data: Path) -> list[Held]:
    """Shares of bandwidth and of FLOPs by family and kernel, from the two kernel tables."""
    found = [*_gemm(data / "vllm_gemm_efficiency.csv"), *_matmul(data / "matmul_tflops_measured.csv")]
    return [_mean([one for one in found if one.names == names]) for names in sorted({one.names for one in found})]


def _mean(like: list[Held]) -> Held:
    """Cards of one family are one piece of evidence."""
    return like[0]._replace(log_value=sum(one.log_value for one in like) / len(like))


def _gemm(path: Path) -> list[Held]:
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kernel, card = KERNELS.get(row["dtype"]), _card(TABLE_NAMES.get(row["system"], row["device"]))
            if kernel is None or card is None:
                continue
            kind = family(accelerator(card, 0, ()))
            reading = ("bandwidth", f"bandwidth.{kind}", f"bandwidth.{kernel}")
            found.append(Held(reading, math.log(float(row["m32_bw_frac"])), BANDWIDTH_SIGMA, "gemm-efficiency"))
            work = ("compute", f"compute.{kind}", f"compute.{kernel}", "prefill_compute.dense")
            found.append(Held(work, math.log(float(row["m2048_flops_frac"])), COMPUTE_SIGMA, "gemm-efficiency"))
    return found


def _matmul(path: Path) -> list[Held]:
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            card = _card(row["gpu"].strip("*"))
            peak = (card.dense_flops.get("bf16") or card.dense_flops.get("fp16")) if card else None
            if card is None or not peak:
                continue
            kind = family(accelerator(card, 0, ()))
            share = min(float(row["measured_bf16_tflops"]) * 1e12 / peak, 0.97)
            work = ("compute", f"compute.{kind}", "prefill_compute.dense")
            found.append(Held(work, math.log(share), COMPUTE_SIGMA, "matmul-measured"))
    return found


def _card(name: str) -> GpuSpec | None:
    try:
        return find_gpu(name, guess=True)
    except BadInput:
        return None

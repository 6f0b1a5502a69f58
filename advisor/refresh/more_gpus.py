"""gpus_more.csv → data/gpus_more.json: rarer cards. Run: `python -m advisor.refresh.more_gpus FOLDER`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from advisor.catalog.entries import GpuSpec
from advisor.refresh.flops import APPLE_TFLOPS_PER_CORE
from advisor.refresh.table import Row, asked_folder, document, integer, number, rows, without_defaults, write
from advisor.units import GB, GIB, TERA

ORIGIN = "advisor/refresh/sources/gpus_more.csv"
VENDORS = {"NVIDIA": "nvidia", "AMD": "amd", "Apple": "apple", "Intel": "intel"}
TARGETS = {"apple": "metal", "intel": "xpu"}
CONSUMER = re.compile(r"GeForce|TITAN|Radeon RX|Arc [AB]\d")
# Of the machine's memory: what Linux hands AMD's integrated graphics, Mesa Intel's, and macOS most of Apple's.
SHARES = {"amd": 0.5, "intel": 0.75, "apple": 0.75}
ENGINES = {"y": "y", "n": "n", "XPU": "y", "plugin": "plugin", "not": "unclear", "CPU": "cpu build"}


def gpu(row: Row) -> dict[str, Any]:
    """One accelerator as an entry without default values."""
    vendor = VENDORS.get(row["vendor"], "other")
    sizes = [float(size) for size in row["memory_gb"].split("/") if size]
    plain = re.sub(r"\s*\(.*?\)", "", row["name"])
    unified = row["class"] in ("integrated", "apple")
    entry: dict[str, Any] = {
        "id": re.sub(r"[^a-z0-9]+", "-", plain.lower().replace("geforce ", "").replace("radeon ", "")).strip("-"),
        "vendor": vendor,
        "name": row["name"],
        "match": [_driver_name(plain, vendor)],
        "device_class": _device_class(row, vendor),
        "architecture": re.sub(r"(?<=RDNA) |\.0$| 2\.0$", "", row["architecture"]) or "unknown",
        "compute_capability": _capability(row, vendor),
        "memory_bytes": round(max(sizes, default=0) * GIB),
        "memory_options_bytes": [round(size * GIB) for size in sizes] if len(sizes) > 1 else (),
        "bandwidth_bytes_per_s": float(row["bandwidth_gb_s"]) * GB if row["bandwidth_gb_s"] else None,
        "dense_flops": dense_flops(row, vendor),
        "flops_basis": "derived" if row["matrix_basis"] else "assumed",
        "cores": integer(row["sm_or_cu"]),
        "interconnect": "none" if unified else f"none; {row['bus']}".rstrip("; "),
        "unified_memory": unified,
        "gpu_memory_fraction": SHARES.get(vendor) if unified else None,
        "tdp_watts": number(row["tdp_w"]),
        "release": row["launch_date"][:7],
        "launch_price_usd": number(row["launch_price_usd"]),
        "supported": {"vllm": ENGINES[row["vllm"].split()[0]], "ollama": "n" if _unserved(row) else "y"},
        "support_note": "; ".join(text for text in (row["vllm"], row["ollama_backend"]) if len(text) > 1),
        "confidence": "medium" if row["source"].startswith("https://") else "low",
        "flags": "; ".join(text for text in (row["matrix_basis"], row["note"]) if text),
        "source": "gpus_more",
    }
    return without_defaults(GpuSpec, entry)


def _unserved(row: Row) -> bool:
    return row["ollama_backend"].startswith("none")


def _driver_name(plain: str, vendor: str) -> str:
    """As drivers print it: without a memory size; Intel's with its marks."""
    name = re.sub(r"\s+\d+GB", "", plain)
    return re.sub(r"^Intel Arc (.*)$", r"Intel(R) Arc(TM) \1 Graphics", name) if vendor == "intel" else name


def _device_class(row: Row, vendor: str) -> str:
    if row["class"] == "desktop":
        return "consumer" if CONSUMER.search(row["name"]) else "workstation"
    if vendor == "other":
        return "other"
    return {"integrated": "unified"}.get(row["class"], row["class"])


def _capability(row: Row, vendor: str) -> str | None:
    given = row["compute_capability_or_gfx"]
    return None if vendor == "other" else given or TARGETS.get(vendor)


def dense_flops(row: Row, vendor: str) -> dict[str, float]:
    """FLOP/s by dtype: the matrix rate with fp32 accumulation, else that of the vector units."""
    fp32 = number(row["fp32_tflops"])
    if vendor == "apple" and row["sm_or_cu"]:
        fp32 = fp32 or APPLE_TFLOPS_PER_CORE[row["name"].split()[1].lower()] * int(row["sm_or_cu"])
    matrix, vector = number(row["fp16_matrix_fp32acc_tflops"]), number(row["fp16_vector_tflops"])
    fp16 = matrix or max(vector or 0.0, fp32 or 0.0) or None
    rates = {"fp32": fp32, "fp16": fp16, "bf16": fp16 if _has_bf16(row) else None}
    rates |= {"fp8": number(row["fp8_dense_tflops"]), "int8": number(row["int8_dense_tops"])}
    return {dtype: round(rate * TERA, -6) for dtype, rate in rates.items() if rate}


def _has_bf16(row: Row) -> bool:
    """From compute capability 8.0, RDNA 3 and Xe on."""
    target = row["compute_capability_or_gfx"]
    newer = target.startswith(("gfx11", "gfx12")) or row["architecture"].startswith("Xe")
    return newer or bool(re.fullmatch(r"(8|9|1\d)\.\d", target)) or target == "npu"


def generate(folder: Path) -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    entries = sorted((gpu(row) for row in rows(folder / "gpus_more.csv")), key=lambda entry: str(entry["id"]))
    return {"gpus_more.json": document("gpus", "more_gpus", ORIGIN, entries)}


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)

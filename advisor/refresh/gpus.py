"""gpus.csv → data/gpus.json and data/cpus.json. Run: `python -m advisor.refresh.gpus FOLDER`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from advisor.catalog.entries import CpuSpec, GpuSpec
from advisor.refresh.flops import dense_flops
from advisor.refresh.table import Row, asked_folder, document, integer, number, rows, without_defaults, write
from advisor.units import GB, GIB, MIB

ORIGIN = "advisor/refresh/sources/gpus.csv, see gpus.md there"
VENDORS = {"NVIDIA": "nvidia", "AMD": "amd", "Apple": "apple", "Intel": "intel"}
CLASSES = {"igpu-unified": "unified"}

# NVML reports no total for this chip. 128,501,256,192 B is what the system reports (github.com/leptonai/gpud,
# pull request 1170); CUDA reports 121.69 GiB in another log. The lower one is kept.
READ_TOTALS = {"nvidia-gb10-dgx-spark": 128_501_256_192}
# Sizes that the note on the GPU's share names, for chips whose memory cell does not list them.
# Linux hands AMD's other integrated graphics half of the memory (ttm.pages_limit), Mesa's Intel driver three quarters.
INTEGRATED_SHARES = {"AMD": 0.5, "Intel": 0.75}
SYSTEM_SIZES_GIB = {"amd-strix-halo-8060s": (32, 64, 96, 128), "amd-strix-halo-8050s": (32, 64, 96, 128)}


def memory(row: Row) -> dict[str, Any]:
    """What to plan with, the sizes on sale, and the size on the box where the driver shows another."""
    options = SYSTEM_SIZES_GIB.get(row["id"]) or _sizes(row["memory_gib"])
    driver = int(row["memory_driver_mib"] or 0) * MIB or READ_TOTALS.get(row["id"], 0)
    plan = driver or round((options[-1] if options else 0) * GIB)
    nominal = number(row["memory_nominal_gb"].split("/")[-1])
    return {
        "memory_bytes": plan,
        "memory_options_bytes": [int(size * GIB) for size in options] if len(options) > 1 else (),
        "memory_nominal_gb": nominal if nominal and abs(nominal * GIB - plan) > MIB else None,
        "memory_basis": "driver" if driver else "nominal",
    }


def _sizes(cell: str) -> tuple[float, ...]:
    """`"64/128/192"` → `(64.0, 128.0, 192.0)`."""
    return tuple(float(size) for size in cell.split("/") if size)


def fraction(row: Row) -> float | None:
    """The share of unified memory that the GPU may use, at the largest size; see data/unified.yaml for Apple.

    Strix Halo: the carve-out of up to 96 GB of 128; Linux reaches 124 of 128 with kernel options.
    """
    if row["vendor"] == "Apple":
        return 0.75 if _sizes(row["memory_gib"])[-1] > 36 else 0.6667
    if row["id"] in SYSTEM_SIZES_GIB:
        return 0.75
    return INTEGRATED_SHARES.get(row["vendor"]) if row["class"] == "igpu-unified" else None


def nvlink_bytes_per_s(interconnect: str) -> float | None:
    """One direction: half of the figure, which adds both (`"NVLink 4, 900 GB/s"` → 450e9)."""
    found = re.match(r"NVLink [^;]*?([\d.]+) GB/s", interconnect)
    return float(found[1]) / 2 * GB if found else None


def peer_access(text: str) -> bool | None:
    """`y…` and the assumption for professional cards are true; `n…`, and "only with a patch", false."""
    if not text or "only with a patched" in text:
        return False if text else None
    return text.startswith("y")


def gpu(row: Row) -> dict[str, Any]:
    """One accelerator as an entry without default values."""
    flops, basis, remark = dense_flops(row)
    bandwidth = number(row["bandwidth_gb_s"])
    entry: dict[str, Any] = {
        "id": row["id"],
        "vendor": VENDORS.get(row["vendor"], "other"),
        "name": row["name"],
        "match": row["match_patterns"].split("|"),
        "device_class": CLASSES.get(row["class"], row["class"]),
        "architecture": row["architecture"],
        "compute_capability": row["compute_capability_or_gfx"] or None,
        **memory(row),
        "bandwidth_bytes_per_s": bandwidth * GB if bandwidth else None,
        "dense_flops": flops,
        "flops_basis": basis,
        "cores": integer(row["sm_or_cu"]),
        "interconnect": row["interconnect"],
        "nvlink_bytes_per_s": nvlink_bytes_per_s(row["interconnect"]),
        "pcie_peer_access": peer_access(row["p2p_over_pcie"]),
        "unified_memory": row["class"] in ("apple", "igpu-unified"),
        "gpu_memory_fraction": fraction(row),
        "tdp_watts": number(row["tdp_w"]),
        "release": row["release"],
        "mig_capable": row["mig_capable"].startswith("y"),
        "launch_price_usd": number(row["launch_price_usd"]),
        "usd_per_hour": number(row["typical_cloud_usd_per_hour"]),
        "price_source": "; ".join(t for t in (row["cloud_price_kind"], row["cloud_price_source_date"]) if t),
        "supported": {"vllm": row["vllm_0_33_supported"], "ollama": row["ollama_supported"]},
        "support_note": "; ".join(t for t in (row["vllm_note"], row["ollama_backend"]) if t),
        "confidence": row["confidence"],
        "flags": "; ".join(t for t in (row["flags"], remark) if t),
    }
    return without_defaults(GpuSpec, entry)


def cpu(row: Row) -> dict[str, Any]:
    """One processor family as an entry without default values."""
    channels = re.match(r"\d+", row["interconnect"])
    entry = {
        "id": row["id"],
        "vendor": row["vendor"],
        "name": row["name"],
        "match": row["match_patterns"].replace(" (AWS)", ""),
        "architecture": row["architecture"],
        "bandwidth_bytes_per_s": float(row["bandwidth_gb_s"]) * GB,
        "memory_type": row["memory_type"],
        "channels": int(channels[0]) if channels else 0,
        "confidence": row["confidence"],
        "flags": row["flags"],
    }
    return without_defaults(CpuSpec, entry)


def generate(folder: Path) -> dict[str, str]:
    """File name → text of both data files, the same from run to run."""
    table = sorted(rows(folder / "gpus.csv"), key=lambda row: row["id"])
    gpus = [gpu(row) for row in table if row["class"] != "cpu"]
    cpus = [cpu(row) for row in table if row["class"] == "cpu"]
    return {
        "gpus.json": document("gpus", "gpus", ORIGIN, gpus),
        "cpus.json": document("cpus", "gpus", ORIGIN, cpus),
    }


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)

"""How long a download takes: at the rate that was stated, else at an assumed one."""

from __future__ import annotations

from advisor.pattern import Pattern
from advisor.schema import Plan, Workload
from advisor.units import gb

BYTES_PER_S = 25e6  # a 200 Mbit/s line; assumed where nobody says
ASSUMED = "200 Mbit/s"
_RATE = Pattern(r"(\d+(?:\.\d+)?) ?([kKmMgG]?)i?(bit/s|bits/s|bps|b/s|byte/s|bytes/s|Byte/s|B/s|Bps)")
_POWERS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


def bytes_per_s(text: str) -> float | None:
    """`"100 Mbit/s"` → 12.5e6, `"12 MB/s"` → 12e6; None where it is no rate. A small b is a bit, a large one a byte."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        return None
    unit = found[3]
    bits = 1 if unit[0] == "B" or unit.startswith("byte") else 8
    rate = float(found[1]) * _POWERS[found[2].lower()] / bits
    return rate if rate >= 1 else None


def rate_of(workload: Workload) -> float:
    """Bytes a second of this line."""
    return (bytes_per_s(workload.download_rate) if workload.download_rate else None) or BYTES_PER_S


def download_s(size_bytes: float, workload: Workload | None = None) -> float:
    """Seconds for so many bytes."""
    return size_bytes / (rate_of(workload) if workload else BYTES_PER_S)


def fetches(plan: Plan) -> bool:
    """Whether the weights come over the network: not where they lie here, or must be carried here."""
    return not (plan.model.path or plan.workload.air_gapped)


def downloaded_bytes(plan: Plan) -> int:
    """What the first start fetches of the model."""
    return plan.launch.cache_bytes if fetches(plan) else 0


def told(plan: Plan) -> str:
    """Size and time of the first start's download, in words; empty where there is none."""
    size = downloaded_bytes(plan)
    if not size:
        return ""
    stated = plan.workload.download_rate or f"{ASSUMED}, assumed (--download-rate)"
    return f"the first start downloads {gb(size)} of weights: {_time(download_s(size, plan.workload))} at {stated}"


def _time(seconds: float) -> str:
    """Rounded as a person would say it."""
    if seconds < 90:
        return f"about {max(round(seconds / 10), 1) * 10} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"

"""benchmarks.csv as requests to `advisor predict`, each with what was measured."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

MODES = {
    "serving": "serving",
    "offline_throughput": "offline",
    "offline_static_batch": "offline",
    "batched_bench": "offline",
    "offline_single_stream": "single_stream",
    "single_stream": "single_stream",
    "single_stream_llama_bench": "single_stream",
}
UNSTEADY = 1.5  # littles_law_ratio above it: a drain tail, fewer slots than clients, or broken TPOT
DECODE_ONLY = 0.7  # below it the printed rate is that of decoding alone
# Server settings that the sources state outside the schema's columns.
KNOWN_SLOTS = {("4x3090", "llama.cpp"): "8"}  # flat from 8 in flight on: data/README.md


class Row(NamedTuple):
    """One measurement: the request, and the figures; None where the source gives none."""

    id: str
    group: str
    request: dict[str, str]
    measurement: str
    confidence: str
    gpu_class: str
    rate: float | None
    ttft_s: float | None
    tpot_s: float | None
    littles: float | None
    num_prompts: float | None

    @property
    def usable(self) -> bool:
        """Fit for fitting and for judging, by the criteria of data/README.md."""
        return self.confidence != "low" and (self.littles is None or self.littles <= UNSTEADY)

    @property
    def decode_only(self) -> bool:
        """The printed rate leaves the prefill out although the run had one."""
        return self.littles is not None and self.littles < DECODE_ONLY


def read(path: Path) -> list[Row]:
    """Every row of benchmarks.csv, in order."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(cells) for cells in csv.DictReader(file)]


def _row(cells: dict[str, str]) -> Row:
    engine = cells["engine"]
    group = cells["group"]
    slots = KNOWN_SLOTS.get((group, engine), "")
    if cells["measurement"] == "batched_bench":
        slots = cells["concurrency"]
    if found := re.search(r"max_num_seqs (\d+)", cells["notes"]):
        slots = found.group(1)
    request = {
        "id": cells["id"],
        "engine": engine,
        "engine_version": cells["engine_version"],
        "gpu": cells["gpu"],
        "gpu_count": cells["gpu_count"],
        "tp": cells["tp"],
        "pp": cells["pp"],
        "model": cells["model"],
        "quantization": cells["quantization"],
        "kv_dtype": cells["kv_dtype"],
        "mode": MODES[cells["measurement"]],
        "concurrency": cells["concurrency"],
        "request_rate": cells["request_rate"],
        "input_tokens": cells["input_tokens_mean"],
        "output_tokens": cells["output_tokens_mean"],
        "slots": slots,
        "num_prompts": cells["num_prompts"],
    }
    tpot = _number(cells["tpot_ms_mean_or_p50"])
    ttft = _number(cells["ttft_ms_mean_or_p50"])
    return Row(
        id=cells["id"],
        group=group,
        request=request,
        measurement=cells["measurement"],
        confidence=cells["confidence"],
        gpu_class=cells["gpu_class"],
        rate=_number(cells["output_tok_s_total"]) or _number(cells["derived_output_tok_s"]),
        ttft_s=ttft / 1e3 if ttft else None,
        tpot_s=tpot / 1e3 if tpot and cells["tpot_stat"] != "1000/tg" else None,
        littles=_number(cells["littles_law_ratio"]),
        num_prompts=_number(cells["num_prompts"]),
    )


def _number(text: str) -> float | None:
    return float(text) if text else None

"""`published/`: the part of the measurements that may be passed on, so that tests need no other part.

Of whole sources under a permissive licence, the columns that the programs here read. Figures and conditions only;
title, address and licence of each source stand in `catalog/data/sources.d/speed.yaml`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from advisor.calibrate.inputs import short
from advisor.calibrate.names import BENCHMARKS, MORE
from advisor.calibrate.unseen import ARGONNE, SILICON

FOLDER = Path(__file__).parent / "published"
PERMISSIVE = ("Apache-2.0", "BSD-3-Clause", "MIT")
_COLUMNS = (
    "id", "group", "licence", "confidence", "date", "engine", "engine_version", "gpu", "gpu_class", "gpu_count", "tp",
    "pp", "model", "quantization", "kv_dtype", "measurement", "concurrency", "request_rate", "num_prompts",
    "input_tokens_mean", "output_tokens_mean", "output_tok_s_total", "derived_output_tok_s", "ttft_ms_mean_or_p50",
    "tpot_ms_mean_or_p50", "tpot_stat", "prefill_tok_s", "context_depth", "littles_law_ratio", "dataset", "notes",
)  # fmt: skip
COLUMNS = {
    BENCHMARKS: _COLUMNS,
    MORE: (*_COLUMNS, "slots", "output_cap", "prefix_cached", "power_limit_watts"),
    SILICON: (
        "backend_version", "measured", "model_path", "system", "gemm_quant_mode", "mode", "isl", "osl", "concurrency",
        "tp_size", "attention_dp_size", "silicon_ttft_ms", "silicon_tpot_ms", "derived_output_tok_s",
    ),
    ARGONNE: (
        "hardware", "num_hardware", "framework", "model", "input_and_output_length", "batch_size",
        "throughput_total_tok_s",
    ),
}  # fmt: skip
# These two tables are one source each and have no column for its licence.
LICENCES = {SILICON: "Apache-2.0", ARGONNE: "BSD-3-Clause"}


def extract(data: Path, target: Path = FOLDER) -> Path:
    """Write the part of `data` that may be passed on to `target`; returns that folder."""
    for name, columns in COLUMNS.items():
        with (data / name).open(newline="", encoding="utf-8") as file:
            rows = [
                row for row in csv.DictReader(file) if LICENCES.get(name, row.get("licence", "")).startswith(PERMISSIVE)
            ]
        with (target / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return target


def digest() -> str:
    """Of the part that lies here, as speed.yaml holds it."""
    return short(b"".join((FOLDER / name).read_bytes() for name in COLUMNS))

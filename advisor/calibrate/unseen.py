"""Measurements that no fit has seen: the rows of two sources' own tables that are not among benchmarks.csv.

They come from the same machines as rows that were fitted, so they test other loads, lengths and models, not other labs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from advisor.calibrate.rows import Row, as_installed
from advisor.evaluate import Compared, compare, load_band, measurement, summary

SILICON = "silicon_sample_vllm.csv"
ARGONNE = "argonne_llm_inference_bench.csv"
SYSTEMS = {
    "b200_sxm": "B200 SXM 180GB", "b300_sxm": "B300 SXM 288GB", "gb200": "GB200", "h100_sxm": "H100 SXM 80GB",
    "h200_sxm": "H200 SXM 141GB",
}  # fmt: skip
HARDWARE = {
    "AMD MI250 GPU": "MI250", "AMD MI300X GPU": "MI300X 192GB", "Nvidia A100 GPU": "A100 40GB",
    "Nvidia GH200 GPU": "GH200 96GB", "Nvidia H100 GPU": "H100 SXM 80GB",
}  # fmt: skip
FEWEST = 20  # rows of a line of the report
Cells = Mapping[str, str]


def unseen(data: Path, seen: Sequence[Row]) -> list[Row]:
    """Rows of both tables whose figures are not among `seen`."""
    figures = {_figures(row) for row in seen}
    return [row for row in (*_silicon(data / SILICON), *_argonne(data / ARGONNE)) if _figures(row) not in figures]


def _figures(row: Row) -> tuple[str, int, int]:
    """What a measurement is known again by: its model and its figures, in hundredths."""
    model = row.request["model"].split("/")[-1].lower()
    return model, round(100 * (row.output_tok_s or 0)), round(100 * (row.ttft_ms or 0))


def _table(path: Path) -> Iterator[Cells]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _silicon(path: Path) -> Iterator[Row]:
    """One engine on one machine, without data-parallel attention."""
    for number, cells in enumerate(_table(path)):
        if cells["mode"] != "agg" or cells["attention_dp_size"] not in ("", "1.0", "1"):
            continue
        version = cells["backend_version"] if cells["backend_version"].startswith("0.") else ""
        known = "mxfp4" if "gpt-oss" in cells["model_path"] else cells["gemm_quant_mode"].removesuffix("_wo")
        cards = cells["tp_size"].removesuffix(".0")
        yield as_installed(measurement({
            "id": f"{SILICON}:{number}", "date": cells["measured"], "engine": "vLLM", "engine_version": version,
            "gpu": SYSTEMS[cells["system"]],
            "gpu_count": cards, "tp": cards, "pp": "1", "model": cells["model_path"], "quantization": known,
            "measurement": "serving", "concurrency": cells["concurrency"], "input_tokens": cells["isl"],
            "output_tokens": cells["osl"], "lengths": "0.8", "derived_output_tok_s": cells["derived_output_tok_s"],
            "ttft_ms_mean_or_p50": cells["silicon_ttft_ms"], "tpot_ms_mean_or_p50": cells["silicon_tpot_ms"],
            "group": "silicon",
        }))  # fmt: skip


def _argonne(path: Path) -> Iterator[Row]:
    """vLLM's static batches."""
    for number, cells in enumerate(_table(path)):
        if cells["framework"] != "vLLM" or cells["hardware"] not in HARDWARE:
            continue
        length = cells["input_and_output_length"]
        yield as_installed(measurement({
            "id": f"{ARGONNE}:{number}", "engine": "vLLM", "engine_version": "2024-08",
            "gpu": HARDWARE[cells["hardware"]], "gpu_count": cells["num_hardware"], "tp": cells["num_hardware"],
            "pp": "1", "model": cells["model"], "quantization": "fp16", "measurement": "offline_static_batch",
            "concurrency": cells["batch_size"], "input_tokens": length, "output_tokens": length,
            # Prompt and answer are equally long, and the table counts both.
            "output_tok_s_total": str(float(cells["throughput_total_tok_s"]) / 2), "group": "argonne",
        }))  # fmt: skip


def section(data: Path, seen: Sequence[Row]) -> str:
    """The section of the report."""
    found = [one for one in compare(unseen(data, seen)) if one.log_error("output_tok_s") is not None]
    groups: dict[str, list[Compared]] = {}
    for one in found:
        source = one.measured.group
        for key in (f"{source}, all", f"{source}, {one.measured.request['gpu']}", f"{source}, {load_band(one)}"):
            groups.setdefault(key, []).append(one)
    lines = [_line(name, members) for name, members in groups.items() if len(members) >= FEWEST]
    return (
        "## Rows that no fit has seen\n\nPredicted with the constants that ship: the rows of silicon_sample_vllm.csv "
        "and argonne_llm_inference_bench.csv (vLLM) that are not in benchmarks.csv. Their sources are among the "
        "fitted ones, so this tests other loads, lengths and models, not other labs.\n\n"
        "| | rows | rate error | rate signed | TPOT error | TTFT error | in range |\n|---|---|---|---|---|---|---|\n"
        + "".join(sorted(lines))
    )


def _line(name: str, members: Sequence[Compared]) -> str:
    rate = summary(name, members, "output_tok_s")
    cells = [name, str(rate.rows), f"{rate.absolute:.0%}", f"{rate.signed:+.0%}"]
    for figure in ("tpot_ms", "ttft_ms"):
        measured = any(one.log_error(figure) is not None for one in members)
        cells.append(f"{summary(name, members, figure).absolute:.0%}" if measured else "")
    return "| " + " | ".join([*cells, f"{rate.inside or 0.0:.0%}"]) + " |\n"

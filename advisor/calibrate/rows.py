"""The measurements as requests to `advisor predict`, each with what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from advisor.calibrate import known
from advisor.calibrate.names import BENCHMARKS, MORE
from advisor.catalog import gpus
from advisor.evaluate import DECODE_ONLY, UNSTEADY, Measurement, read_measurements, with_links

Row = Measurement

# Sources whose clients all send prompts of one length and stop at one length: their waves stay together (lockstep.py).
IN_STEP = {("4x3090", "vLLM")}

PROMPT = "prompt"  # a measurement of nothing but a prompt
CLOCKED = "prompt, engine's clock"  # the same where a server's answer tells how long its prompt took
PROMPTS = (PROMPT, CLOCKED)
QUOTIENT = 0.01  # a printed TTFT that is no further from prompt over prompt rate was made of the two


# Engines that were changed by the one who measured: another program than the one that is planned.
PATCHED = {("syv-ai", "vLLM"), ("gemma-3090ti", "vLLM"), ("tom1tk-p100", "llama.cpp")}
OFFLINE = re.compile(r"\boffline generate\(")  # the engine called by a program: no server is around it
PROMPT_TOKENS = 512  # of llama-bench where nothing else is said


def read(*paths: Path) -> list[Row]:
    """Every row of these files, in order, and behind each that prints a prompt rate beside it that rate as its own."""
    found: list[Row] = []
    for path in paths:
        for row in map(as_installed, read_measurements(path)):
            found += [_handed_over(row), *_prompt_rate(row)]
    return found


def read_all(data: Path) -> list[Row]:
    """Every row of the folder's measurements."""
    return read(*(data / name for name in (BENCHMARKS, MORE)))


def _handed_over(row: Row) -> Row:
    """As one burst, where the waits show that no client held the stated prompts back, and fit into the whole run."""
    request, rate = row.request, row.output_tok_s
    if not (request["num_prompts"] and request["concurrency"] and request["request_rate"] == "inf" and rate):
        return row
    run_s = float(request["num_prompts"]) * float(request["output_tokens"] or 0.0) / rate
    if _in_flight(row) <= UNSTEADY * float(request["concurrency"]) or run_s < (row.ttft_ms or 0.0) / 1e3:
        return row
    return row._replace(request={**request, "concurrency": ""})


def _prompt_rate(row: Row) -> list[Row]:
    """The prompt rate of a llama-bench as the time of its prompt, with no server around the engine."""
    if row.prefill_tok_s is None or row.measurement not in ("single_stream_llama_bench", "prefill_llama_bench"):
        return []
    said = re.search(r"\bpp ?(\d+)", row.notes)
    depth = row.depth or 0.0
    alone = row.measurement == "prefill_llama_bench"
    tokens = float(row.request["input_tokens"]) if alone else float(said.group(1) if said else PROMPT_TOKENS)
    return [_prompt(row, PROMPT, tokens, depth, 1e3 * tokens / row.prefill_tok_s)]


def as_judged(rows: Iterable[Row]) -> list[Row]:
    """The rows, and apart from its own each wait that was the engine's own clock: no latency of a server is in it."""
    return [part for row in rows for part in (_by_its_clock(row) if clocked(row) else [row])]


def clocked(row: Row) -> bool:
    """Its TTFT was not timed but made of the prompt rate that llama.cpp tells.

    vLLM tells no such rate; where a row of it has one, it was made of the TTFT.
    """
    prompt = row.request["input_tokens"]
    if row.request["mode"] != "single_stream" or row.request["engine"].startswith("vLLM"):
        return False
    if not (prompt and row.ttft_ms and row.prefill_tok_s):
        return False
    return abs(row.ttft_ms / 1e3 * row.prefill_tok_s / float(prompt) - 1.0) < QUOTIENT


def _by_its_clock(row: Row) -> list[Row]:
    prompt = _prompt(row, CLOCKED, float(row.request["input_tokens"]), 0.0, row.ttft_ms)
    return [row._replace(ttft_ms=None), prompt]


def _prompt(row: Row, measurement: str, tokens: float, depth: float, took_ms: float | None) -> Row:
    """So many new tokens behind `depth` cached ones as a measurement of its own, no server around the engine."""
    request = {
        **row.request, "id": f"{row.id}-prompt", "mode": "offline", "concurrency": "1", "num_prompts": "",
        "input_tokens": str(tokens + depth), "output_tokens": "1", "prefix_cached": str(depth / (tokens + depth)),
    }  # fmt: skip
    return row._replace(
        id=f"{row.id}-prompt", request=request, measurement=measurement, output_tok_s=None, tpot_ms=None, itl_ms=None,
        ttft_ms=took_ms,
    )  # fmt: skip


def as_installed(row: Row) -> Row:
    """The row with what its source states of the server and of the machine outside the columns."""
    request = {**row.request, **known.cards_of(row)}
    request["kv_dtype"] = request["kv_dtype"] or known.kv_dtype_of(row)
    request["slots"] = known.slots_of(row) or request["slots"]
    request["lengths"] = request["lengths"] or _drawn_from(row.notes)
    request["model"], request["speculation"] = known.model_of(row), known.speculation_of(row)
    request["mode"] = "offline" if row.measurement == "ttft_idle" and OFFLINE.search(row.notes) else request["mode"]
    request["gpu"] = with_links(_chip(request["gpu"]), known.LINKS.get(row.group, ""), request["gpu_count"])
    return row._replace(request=request)


def _drawn_from(notes: str) -> str:
    """The shortest answer over the longest, where a benchmark says how it drew them."""
    said = re.search(r"random-range-ratio (0\.\d+)", notes)
    return said.group(1) if said else ""


def _chip(gpu: str) -> str:
    """An Apple chip that is named with its cores, by the name of that bin where the catalogue has it."""
    cut = re.sub(r" (\d+)c GPU$", "", gpu)
    binned = re.sub(r" (\d+)c GPU$", r" (\1-core GPU)", gpu)
    return binned if any(spec.name == binned for spec in gpus()) else cut


def decode_only(row: Row) -> bool:
    """The printed rate leaves the prefill out although the run had one: at that rate the run ended before it began."""
    if row.measurement == "serving_decode_phase":
        return True
    if row.littles is not None:
        return row.littles < DECODE_ONLY
    flight, answer = row.request["concurrency"], row.request["output_tokens"]
    if row.request["mode"] != "serving" or not (flight and answer and row.ttft_ms and row.output_tok_s):
        return False
    return float(flight) * float(answer) / row.output_tok_s < row.ttft_ms / 1e3


def rate_as_printed(row: Row, rate: float, tpot_s: float) -> float:
    """The predicted figure that the row's rate is: all answers over the whole time, or that of decoding alone."""
    return float(row.request["concurrency"] or 1.0) / tpot_s if decode_only(row) else rate


def _in_flight(row: Row) -> float:
    """Requests in flight by Little's law: their rate times the time of each; 0 where the row says too little."""
    answer, token_ms = row.request["output_tokens"], row.tpot_ms or row.itl_ms
    if not (answer and row.output_tok_s and row.ttft_ms and token_ms):
        return 0.0
    latency_s = (row.ttft_ms + float(answer) * token_ms) / 1e3
    return row.output_tok_s / float(answer) * latency_s


def in_step(row: Row) -> bool:
    """The clients of this closed loop march in step, as the source's runs are known to."""
    return (row.group, row.request["engine"]) in IN_STEP and row.request["mode"] == "serving"


def prefix_cached(row: Row) -> bool:
    """The prompt lay in the prefix cache, so its first token says nothing about prefill."""
    said = row.request["prefix_cached"].strip().lower() in ("y", "yes")
    return said or "prefix caching on" in row.notes


def length_share(row: Row) -> float:
    """Mean request over the stated one: lengths drawn evenly from 80 to 100 % of it average 90 %."""
    return 0.9 if "random-range-ratio 0.8" in row.notes else 1.0


def as_released(row: Row) -> bool:
    """The engine was not changed by the one who measured."""
    return (row.group, row.request["engine"]) not in PATCHED and "fork" not in row.notes


def as_planned(row: Row) -> bool:
    """The engine as it is released, without speculation."""
    return as_released(row) and not row.request["speculation"]

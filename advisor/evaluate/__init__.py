"""Measured against predicted: a user's own results, joined with what the speed model says about them.

The schema is that of the calibration data (calibrate/published/README.md); of its columns engine, gpu, model and one
measured figure are needed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from advisor.edge.filekinds import ROWS, expected
from advisor.edge.reading import OddRow, csv_rows, opened_text
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.physics.speed.lengths import LENGTHS
from advisor.predict import Prediction, predict
from advisor.predict.rows import CONFIG_COLUMNS, LEAST, LOAD_COLUMNS, MOST
from advisor.probe.slots import UNSTATED, links_in, words_of

MODES = {
    "serving": "serving",
    "offline_throughput": "offline",
    "offline_static_batch": "offline",
    "batched_bench": "offline",
    "offline_single_stream": "single_stream",
    "single_stream": "single_stream",
    "single_stream_llama_bench": "single_stream",
    "serving_slots": "serving",
    "serving_decode_phase": "serving",
    "prefill_llama_bench": "offline",
    "ttft_idle": "single_stream",
    "": "serving",
}
# A method of speculation in words: not behind "no", not before "off", and no part of a longer name.
SPECULATION = re.compile(r"(?<![/\w-])(?<!no )(MTP|EAGLE-?3?|DFlash2?|n-?gram)(?! off)(?![/\w-])", re.IGNORECASE)
FIGURES = ("output_tok_s", "ttft_ms", "tpot_ms")
MEASURED = ("output_tok_s_total", "derived_output_tok_s", "ttft_ms_mean_or_p50", "tpot_ms_mean_or_p50")
UNSTEADY = 1.5  # littles_law_ratio above it: a drain tail, fewer slots than clients, or broken TPOT
DECODE_ONLY = 0.7  # below it the printed rate is that of decoding alone
BANDS = ((1, "1"), (8, "2-8"), (32, "9-32"), (128, "33-128"), (math.inf, "over 128"))


class Measurement(NamedTuple):
    """One row: the request it answers, and what was measured; None where the row does not say."""

    id: str
    request: Mapping[str, str]
    group: str
    measurement: str
    gpu_class: str
    confidence: str
    output_tok_s: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    littles: float | None
    notes: str = ""
    itl_ms: float | None = None  # median gap between tokens, which some print as TPOT
    prefill_tok_s: float | None = None  # of one prompt
    depth: float | None = None  # tokens in the cache before that prompt
    date: str = ""  # when it was measured, as the row writes it

    @property
    def usable(self) -> bool:
        """A steady run whose workload is known well enough to judge by."""
        return self.confidence != "low" and (self.littles is None or self.littles <= UNSTEADY)


class Compared(NamedTuple):
    """A measurement beside its prediction."""

    measured: Measurement
    predicted: Prediction

    def log_error(self, figure: str) -> float | None:
        """Logarithm of predicted over measured; None where either is missing."""
        seen, said = getattr(self.measured, figure), getattr(self.predicted, figure)
        return math.log(said / seen) if seen and said else None

    @property
    def inside(self) -> bool | None:
        """Whether the measured rate lies between low and high."""
        seen, said = self.measured.output_tok_s, self.predicted
        if not seen or said.output_tok_s_low is None or said.output_tok_s_high is None:
            return None
        return said.output_tok_s_low <= seen <= said.output_tok_s_high


class Summary(NamedTuple):
    """The errors of one group of rows, as shares: 0.1 is 10 %."""

    name: str
    rows: int
    absolute: float  # median
    signed: float  # median
    inside: float | None  # share of measured rates between low and high


def read_measurements(path: Path) -> list[Measurement]:
    """Every row of a file of results.

    Raises:
        BadInput: the file cannot be read, or lacks a column that no comparison can do without.
    """
    with expected(ROWS, path), opened_text(path) as file:
        rows = csv_rows(file)
        first = next(rows, [])
        header = [] if isinstance(first, OddRow) else first
        _check(path, header)
        return [measurement(_cells(header, row)) for row in rows]


def _cells(header: Sequence[str], row: Sequence[str] | OddRow) -> Mapping[str, str]:
    """A row by the names of its columns; one that cannot be taken apart is called by the reason."""
    return {"id": row.reason} if isinstance(row, OddRow) else dict(zip(header, row, strict=False))


def _check(path: Path, header: Sequence[str]) -> None:
    missing = [name for name in ("engine", "gpu", "model") if name not in header]
    if missing:
        raise BadInput(
            f"{path}: the header lacks {', '.join(missing)}; it has {shown(', '.join(header)) if header else 'nothing'}"
        )
    if not set(MEASURED) & set(header):
        raise BadInput(f"{path}: no measured figure; one of {', '.join(MEASURED)} is needed")


def measurement(cells: Mapping[str, str]) -> Measurement:
    """One row of results as a request and its figures."""

    def cell(name: str) -> str:
        return (cells.get(name) or "").strip()

    request = {name: cell(name) for name in ("id", *CONFIG_COLUMNS, *LOAD_COLUMNS)}
    request["gpu"] = with_links(cell("gpu"), cell("notes"), cell("gpu_count"))
    request["mode"] = MODES.get(cell("measurement"), cell("mode") or "serving")
    request["input_tokens"] = cell("input_tokens_mean") or cell("input_tokens")
    request["output_tokens"] = cell("output_tokens_mean") or cell("output_tokens")
    request["slots"] = cell("slots") or _slots(cell("measurement"), cell("concurrency"), cell("notes"))
    request["output_cap"] = cell("output_cap")
    request["lengths"] = cell("lengths") or _distribution(cell("dataset"))
    request["prefix_cached"] = _kept_prompt(cell("prefix_cached"), cell("dataset"))
    request["speculation"] = cell("speculation") or _speculation(cell("notes"))
    request["power_limit_watts"] = cell("power_limit_watts") or _stated(r"power limit (\d+) W", cell("notes"))
    # Some sources print 1000 over the rate as TPOT: that is the rate again, not a second figure.
    token_ms = _number(cell("tpot_ms_mean_or_p50")) if cell("tpot_stat") != "1000/tg" else None
    gaps = "itl" in cell("tpot_stat").lower()
    return Measurement(
        id=cell("id"),
        request=request,
        group=cell("group"),
        measurement=cell("measurement") or "serving",
        gpu_class=cell("gpu_class"),
        confidence=cell("confidence"),
        output_tok_s=_number(cell("output_tok_s_total")) or _number(cell("derived_output_tok_s")),
        ttft_ms=_number(cell("ttft_ms_mean_or_p50")),
        tpot_ms=None if gaps else token_ms,
        littles=_number(cell("littles_law_ratio")),
        notes=cell("notes"),
        itl_ms=token_ms if gaps else None,
        prefill_tok_s=_number(cell("prefill_tok_s")),
        depth=_number(cell("context_depth")),
        date=cell("date"),
    )


def with_links(gpu: str, said: str, count: str) -> str:
    """The name of several cards with what else is said of their links: a bridge, none, peer access, their slots."""
    links = links_in(said)[1]
    alone = count in ("", "1") or links_in(gpu)[1] != UNSTATED
    return gpu if alone else f"{gpu} {words_of(links)}".rstrip()


def _slots(kind: str, concurrency: str, notes: str) -> str:
    """A batched bench runs as many sequences as it says; servers may state their limit in the notes."""
    if kind == "batched_bench":
        return concurrency
    return _stated(r"max_num_seqs (\d+)", notes)


def _distribution(dataset: str) -> str:
    """How the answers of a data set spread, where it is one that is known by name."""
    name = dataset.split(" (")[0].lower()
    return name if name in LENGTHS else ""


def _kept_prompt(stated: str, dataset: str) -> str:
    """Whether the prompt lay in the prefix cache: also where nobody says so, but it was one prompt again and again."""
    return "y" if stated in ("", "unknown") and re.search(r"\bone\b.*\bprompt repeated\b", dataset) else stated


def _speculation(notes: str) -> str:
    """The method and its draft tokens, as a source says them in words; empty where none is said to run."""
    found = SPECULATION.search(notes)
    if found is None:
        return ""
    drafted = re.search(r"\b(?:n|k|n-max)[= ](\d+)", notes[found.end() :])
    return found.group(1).lower() + (f":{drafted.group(1)}" if drafted else "")


def _stated(pattern: str, notes: str) -> str:
    """The number in what a source says in words; empty where it does not."""
    found = re.search(pattern, notes)
    return found.group(1) if found else ""


def _number(text: str) -> float | None:
    """A positive number that a measurement could give, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if LEAST <= number <= MOST else None


def compare(measurements: Sequence[Measurement]) -> list[Compared]:
    """Predict every row."""
    header = ("id", *CONFIG_COLUMNS, *LOAD_COLUMNS)
    answers = predict(header, ([one.request[name] for name in header] for one in measurements))
    return [Compared(one, answer) for one, answer in zip(measurements, answers, strict=True)]


def summaries(compared: Iterable[Compared], key: Callable[[Compared], str], figure: str) -> list[Summary]:
    """Errors of one figure by what `key` says about a row, the largest groups first."""
    groups: dict[str, list[Compared]] = {}
    for one in compared:
        if one.log_error(figure) is not None:
            groups.setdefault(key(one), []).append(one)
    found = [summary(name, members, figure) for name, members in groups.items()]
    return sorted(found, key=lambda one: (-one.rows, one.name))


def summary(name: str, members: Sequence[Compared], figure: str) -> Summary:
    """The median errors of rows that all have the figure."""
    errors = [math.expm1(error) for one in members if (error := one.log_error(figure)) is not None]
    inside = [one.inside for one in members if one.inside is not None]
    share = sum(inside) / len(inside) if inside and figure == "output_tok_s" else None
    return Summary(name, len(errors), median([abs(error) for error in errors]), median(errors), share)


def load_band(one: Compared) -> str:
    """Requests in flight in five bands; open loops and all-at-once runs are their own."""
    request = one.measured.request
    if request["concurrency"]:
        flight = float(request["concurrency"])
        return next(name for most, name in BANDS if flight <= most)
    return "all at once" if request["request_rate"] in ("inf", "") else "open loop"


BY: Mapping[str, Callable[[Compared], str]] = {
    "engine": lambda one: one.measured.request["engine"].split(" (")[0],
    "kind of run": lambda one: one.measured.request["mode"],
    "card class": lambda one: one.measured.gpu_class or one.measured.request["gpu"],
    "format": lambda one: one.measured.request["quantization"] or "default",
    "in flight": load_band,
}

"""What was measured here as rows that `advisor evaluate` reads and that others may be given.

A row says what was run on which hardware, and nothing of whose it is: no host, user, path or address is kept with a
measurement, and a model that is not in the public catalogue is left out, for its name may be somebody's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from advisor.catalog import model_entries
from advisor.measured.entries import MeasuredLoad, Measurement

COLUMNS = (
    "id", "group", "confidence", "engine", "engine_version", "gpu", "gpu_count", "tp", "pp", "model", "quantization",
    "kv_dtype", "measurement", "concurrency", "num_prompts", "input_tokens_mean", "output_tokens_mean",
    "output_tok_s_total", "ttft_ms_mean_or_p50", "tpot_ms_mean_or_p50", "tpot_stat", "littles_law_ratio", "slots",
    "notes",
)  # fmt: skip
GROUP = "measured-here"
_MACHINE = re.compile(r"(?P<cpu>.*) x (?P<cores>[\d.e+]+), (?P<memory>\d+) GiB(?:, (?P<cards>.*))?")
_CARD = re.compile(r"(?P<name>.*?) \d+ GiB(?: at (?P<share>\d+)% of its power)?")
_VERSION = re.compile(r"\d+(?:\.\d+)*")

Row = dict[str, object]


class Exported(NamedTuple):
    """The rows, and how many loads are not among them."""

    rows: tuple[Row, ...]
    left_out: int


def exported(entries: Iterable[Measurement]) -> Exported:
    """A row for each load of a model that everybody can know."""
    public = {str(entry["hf_id"]) for entry in model_entries()}
    rows: list[Row] = []
    left_out = 0
    for entry in entries:
        if entry.model.hf_id in public and _MACHINE.fullmatch(entry.machine_text):
            rows.extend(_rows(entry))
        else:
            left_out += len(entry.loads)
    return Exported(tuple(rows), left_out)


def _rows(entry: Measurement) -> Iterator[Row]:
    candidate, version = entry.candidate, _VERSION.match(entry.engine_version)
    gpu, note = _device(entry)
    same = {
        "group": GROUP,
        "confidence": "high",
        "engine": entry.engine,
        "engine_version": version[0] if version else "",
        "gpu": gpu,
        "gpu_count": max(candidate.cards_in_all, 1),
        "tp": candidate.tensor_parallel,
        "pp": candidate.pipeline_parallel,
        "model": entry.model.hf_id,
        "quantization": candidate.weights_format,
        "kv_dtype": candidate.kv_cache_dtype,
        "measurement": "serving",
        "tpot_stat": "mean",
        "slots": candidate.max_in_flight * candidate.replicas,
        "notes": "; ".join(filter(None, (f"closed loop, {entry.taken[:10]}", note))),
    }
    for number, load in enumerate(entry.loads, 1):
        # The id of an entry holds a fingerprint of its machine, which is nobody else's business.
        name = f"{entry.engine}-{entry.model.hf_id.rpartition('/')[2]}-{candidate.weights_format}-{number}"
        yield {"id": name, **same, **_figures(load)}


def _figures(load: MeasuredLoad) -> Row:
    latency_s = load.ttft_s + max(load.output_tokens - 1, 0) * load.tpot_s
    return {
        "concurrency": f"{load.in_flight:g}",
        "num_prompts": load.requests,
        "input_tokens_mean": f"{load.input_tokens:.5g}",
        "output_tokens_mean": f"{load.output_tokens:.5g}",
        "output_tok_s_total": f"{load.output_tokens_per_s:.5g}",
        "ttft_ms_mean_or_p50": f"{1000 * load.ttft_s:.5g}",
        "tpot_ms_mean_or_p50": f"{1000 * load.tpot_s:.5g}",
        "littles_law_ratio": f"{load.in_flight * load.output_tokens / latency_s / load.output_tokens_per_s:.3g}",
    }


def _device(entry: Measurement) -> tuple[str, str]:
    """The card or the processor as `predict` reads it, and what else is to be said of the machine."""
    machine = _MACHINE.fullmatch(entry.machine_text)
    assert machine is not None  # noqa: S101 - `exported` looked
    host = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']} GiB"
    if entry.candidate.device == "cpu":
        return f"CPU: {machine['cpu']}", host
    card = _CARD.match((machine["cards"] or "").split(", ")[0])
    name, share = (card["name"], card["share"]) if card else ("", None)
    return name, f"{host}; power limit {share} %" if share else host

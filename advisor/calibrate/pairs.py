"""Where one source measured both engines on the same card, model and load: is the faster one predicted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from advisor.calibrate.rows import Row, rate_as_printed
from advisor.calibrate.validate import Error
from advisor.evaluate import Compared, compare

CLEAR = 1.2  # a smaller difference is within the noise


class Pair(NamedTuple):
    """Both engines at one load."""

    name: str
    measured: float  # vLLM over the other
    predicted: float

    @property
    def right(self) -> bool:
        """The same engine is ahead."""
        return (self.measured > 1) == (self.predicted > 1)


def find(rows: Sequence[Row]) -> list[Pair]:
    """Every pair that differs clearly."""
    groups: dict[tuple[str, ...], list[Compared]] = {}
    for one in compare([row for row in rows if row.output_tok_s and _paired(row)]):
        groups.setdefault(_key(one.measured), []).append(one)
    found = []
    for key, members in sorted(groups.items()):
        for fast in (one for one in members if one.measured.request["engine"] == "vLLM"):
            for slow in (one for one in members if one.measured.request["engine"] != "vLLM"):
                pair = _pair(key, fast, slow)
                if pair and max(pair.measured, 1 / pair.measured) > CLEAR:
                    found.append(pair)
    return found


def left_out(errors: Sequence[Error], rows: Mapping[str, Row]) -> tuple[int, int]:
    """Clear pairs decided right, and all of them, each rate predicted without its source."""
    groups: dict[tuple[str, ...], list[Error]] = {}
    for error in errors:
        if error.rate is not None and _paired(rows[error.id]):
            groups.setdefault(_key(rows[error.id]), []).append(error)
    found = [
        Pair("", fast.measured / slow.measured, fast.predicted / slow.predicted)
        for members in groups.values()
        for fast in (one for one in members if rows[one.id].request["engine"] == "vLLM")
        for slow in (one for one in members if rows[one.id].request["engine"] != "vLLM")
    ]
    clear = [pair for pair in found if max(pair.measured, 1 / pair.measured) > CLEAR]
    return sum(pair.right for pair in clear), len(clear)


def _paired(row: Row) -> bool:
    """Sources that state a load for both engines."""
    return row.group in ("tr130", "ninehills", "mlc", "seed", "4x3090") and row.measurement in (
        "serving",
        "single_stream",
    )


def _key(row: Row) -> tuple[str, ...]:
    request = row.request
    model = request["model"].split("/")[-1].lower()
    return (
        row.group,
        request["gpu"],
        request["gpu_count"],
        model,
        request["concurrency"],
        request["input_tokens"],
        request["output_tokens"],
    )


def _pair(key: tuple[str, ...], fast: Compared, slow: Compared) -> Pair | None:
    seen = (fast.measured.output_tok_s or 0.0, slow.measured.output_tok_s or 0.0)
    said = (_said(fast), _said(slow))
    if not said[0] or not said[1] or not all(seen):
        return None
    first, second = fast.measured.request, slow.measured.request
    formats = f"{first['quantization']} / {second['engine']} {second['quantization']}"
    name = f"{key[0]}: {key[3]}, {key[2].removesuffix('.0')} x {key[1]}, {key[4]} in flight, vLLM {formats}"
    return Pair(name, seen[0] / seen[1], said[0] / said[1])


def _said(one: Compared) -> float | None:
    """The prediction of what the row's rate is."""
    rate, tpot_ms = one.predicted.output_tok_s, one.predicted.tpot_ms
    return rate_as_printed(one.measured, rate, tpot_ms / 1e3) if rate and tpot_ms else None


def pairs(rows: Sequence[Row]) -> str:
    """The section of the report."""
    found = find(rows)
    right = sum(pair.right for pair in found)
    wrong = "".join(
        f"| {pair.name} | {pair.measured:.2f} | {pair.predicted:.2f} |\n" for pair in found if not pair.right
    )
    text = (
        "## Which engine is faster\n\nOne source, the same cards, model and load, and rates that differ by more than "
        f"{CLEAR}x: the predicted faster engine is the measured one in {right} of {len(found)} pairs.\n"
    )
    return text + (
        "\nWrong ones (vLLM over the other):\n\n| pair | measured | predicted |\n|---|---|---|\n" + wrong
        if wrong
        else ""
    )

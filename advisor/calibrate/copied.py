"""Rows that repeat another one: one machine's figures beside a second one's name, or a run that was handed in twice."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.calibrate.rows import Row

LOAD = ("model", "quantization", "concurrency", "input_tokens", "output_tokens")
MACHINE = ("gpu", "gpu_count")
LENGTHS = ("concurrency", "input_tokens", "output_tokens")
TELLING = 4  # digits of a row's figures that two machines hardly share by chance
CERTAIN = 6  # the same for any two runs, of a rate and a wait: other pairs of figures are made of each other


def copies(rows: Iterable[Row]) -> set[str]:
    """Ids of rows that print, digit for digit, what their source printed before.

    One figure tells it of the same model on another machine under this load, rate and wait of any two rows with
    answers of one length. Whose figures they are is not known; what is named first is believed.
    """
    first: dict[tuple[object, ...], list[str]] = {}
    runs: set[tuple[object, ...]] = set()
    found = set()
    for row in rows:
        figures = [one for one in (row.output_tok_s, row.tpot_ms, row.ttft_ms) if one is not None]
        if row.output_tok_s is None or sum(map(_digits, figures)) < TELLING:
            continue
        run = (row.group, *(row.request[name] for name in LOAD), *figures)
        machine = [row.request[name] for name in MACHINE]
        if first.setdefault(run, machine) != machine:
            found.add(row.id)
        if row.ttft_ms is not None and _digits(row.output_tok_s) + _digits(row.ttft_ms) >= CERTAIN:
            same = (row.group, *(row.request[name] for name in LENGTHS), *figures)
            if same in runs:
                found.add(row.id)
            runs.add(same)
    return found


def _digits(figure: float) -> int:
    return len(f"{figure:.10g}".replace(".", "").strip("0"))

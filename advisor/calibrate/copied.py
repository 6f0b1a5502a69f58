"""Rows that repeat another one: some sources print the figures of one machine beside the name of a second."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.calibrate.rows import Row

LOAD = ("model", "quantization", "concurrency", "input_tokens", "output_tokens")
MACHINE = ("gpu", "gpu_count")
TELLING = 4  # digits of a row's figures that two machines hardly share by chance


def copies(rows: Iterable[Row]) -> set[str]:
    """Ids of rows that print, digit for digit, what their source printed before of another machine under this load.

    Whose figures they are is not known; the machine that is named first is believed.
    """
    first: dict[tuple[object, ...], list[str]] = {}
    found = set()
    for row in rows:
        figures = [one for one in (row.output_tok_s, row.tpot_ms, row.ttft_ms) if one is not None]
        if row.output_tok_s is None or sum(map(_digits, figures)) < TELLING:
            continue
        run = (row.group, *(row.request[name] for name in LOAD), *figures)
        machine = [row.request[name] for name in MACHINE]
        if first.setdefault(run, machine) != machine:
            found.add(row.id)
    return found


def _digits(figure: float) -> int:
    return len(f"{figure:.10g}".replace(".", "").strip("0"))

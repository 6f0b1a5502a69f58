"""How old an engine version is, in years before the pinned one: speed improves with every release."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

# Release dates, as years: vLLM 0.MINOR, llama.cpp bBUILD, Ollama 0.MINOR. In between the date is interpolated.
VLLM_MINORS = (
    (2, 2023.8), (3, 2024.1), (4, 2024.3), (5, 2024.5), (6, 2024.72), (7, 2025.1), (8, 2025.25), (9, 2025.42),
    (10, 2025.6), (11, 2025.78), (12, 2025.93), (14, 2026.07), (16, 2026.16), (19, 2026.3), (23, 2026.5),
    (26, 2026.6), (32, 2026.78), (33, 2026.84),
)  # fmt: skip
LLAMACPP_BUILDS = (
    (1500, 2023.9), (3000, 2024.4), (4500, 2025.05), (6500, 2025.7), (7948, 2026.1), (9193, 2026.4), (10969, 2026.65),
)  # fmt: skip
OLLAMA_MINORS = (
    (1, 2023.9), (3, 2024.6), (5, 2025.0), (9, 2025.45), (13, 2025.9), (19, 2026.2), (23, 2026.35), (32, 2026.6),
    (34, 2026.7),
)  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MOST_YEARS = 3.0


@functools.cache
def years_old(engine: str, version: str, pinned_year: float) -> float:
    """Age of `version` before `pinned_year`; 0 where the version is empty or cannot be read."""
    year = release_year(engine, version.strip().lower())
    return 0.0 if year is None else min(max(pinned_year - year, 0.0), MOST_YEARS)


def release_year(engine: str, version: str) -> float | None:
    """When that version came out; a version may also be a date ("2023-11 (early)", "May 2024 master")."""
    if found := re.match(r"v?0\.(\d+)", version):
        minors = VLLM_MINORS if engine == "vllm" else OLLAMA_MINORS
        return _between(minors, int(found.group(1)))
    if found := re.match(r"b(\d{4,5})\b", version):
        return _between(LLAMACPP_BUILDS, int(found.group(1)))
    if found := re.search(r"\b(20[2-3]\d)(?:-(\d\d))?", version):
        month = int(found.group(2)) if found.group(2) else _month(version)
        return int(found.group(1)) + (month - 0.5) / 12
    return None


def _month(text: str) -> int:
    """The month that is named in the text; the middle of the year without one."""
    return next((index for index, name in enumerate(MONTHS, 1) if re.search(rf"\b{name}", text)), 7)


def _between(known: Sequence[tuple[int, float]], number: int) -> float:
    """The date of a release number by interpolation."""
    before = known[0]
    for after in known:
        if after[0] >= number:
            if after[0] == before[0]:
                return after[1]
            return before[1] + (after[1] - before[1]) * (number - before[0]) / (after[0] - before[0])
        before = after
    return known[-1][1]

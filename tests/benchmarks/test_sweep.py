"""The sweep's bookkeeping: which points there are, and how runs of different minutes compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.loads import requests_at
from tests.benchmarks.points import FACTORS, grid, key_of, neighbours, possible
from tests.benchmarks.sweep import Sweep


class Known(Sweep):
    """A sweep whose advised point is given, so that no machine is probed."""

    def __init__(self, path: Path, centre: dict[str, str | None]) -> None:
        """Keep what the base class would find out."""
        self.engine, self.levels, self.path, self.every, self.failed = "ollama", [4], path, False, set()
        self.centres, self.default = {4: centre}, dict.fromkeys(centre)


CENTRE: dict[str, str | None] = {name: values[0] for name, values in FACTORS["ollama"].items()}


def row(point: dict[str, str | None], rate: float, batch: int) -> str:
    """A line of the results."""
    return json.dumps({"point": point, "level": 4, "rate": rate, "batch": batch, "errors": {}}) + "\n"


def test_no_point_asks_for_a_quantised_cache_without_flash_attention() -> None:
    """Neither the grid nor the neighbours of a point hold what the engine refuses."""
    assert all(possible(point) for point in grid("ollama"))
    assert all(possible(point) for _, point in neighbours("ollama", {**CENTRE, "OLLAMA_FLASH_ATTENTION": "0"}))


@pytest.mark.parametrize("engine", sorted(FACTORS))
def test_a_neighbour_differs_in_one_setting(engine: str) -> None:
    """One factor at a time: exactly the named setting has another value."""
    centre = {name: values[0] for name, values in FACTORS[engine].items()}
    for name, point in neighbours(engine, centre):
        assert [n for n in point if point[n] != centre[n]] == [name]


def test_every_level_is_filled_at_least_once() -> None:
    """A run never sends fewer requests than are in flight, and more at few in flight."""
    assert all(requests_at(level) >= level for level in range(1, 300))
    assert requests_at(1) > 1


def test_a_slow_minute_does_not_count_against_a_point(tmp_path: Path) -> None:
    """Runs are scaled by what the advised settings did in the same batch."""
    other = {**CENTRE, "PARAMETER num_batch": "512"}
    path = tmp_path / "ollama.jsonl"
    path.write_text(row(CENTRE, 80, 1) + row(CENTRE, 40, 2) + row(CENTRE, 80, 3) + row(other, 44, 2))
    rates = Known(path, CENTRE).rates(4)
    assert rates[key_of(other)] == pytest.approx([88.0])
    assert rates[key_of(CENTRE)] == pytest.approx([80.0, 80.0, 80.0])


def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    """What is measured is not measured again; the references come first."""
    path = tmp_path / "ollama.jsonl"
    fresh = Known(path, CENTRE)
    assert fresh.todo() == [(CENTRE, 4), (dict.fromkeys(CENTRE), 4)]
    path.write_text(row(CENTRE, 80, 1) + row(dict.fromkeys(CENTRE), 60, 1))
    assert [point for point, _ in fresh.todo()] == [point for _, point in neighbours("ollama", CENTRE)]

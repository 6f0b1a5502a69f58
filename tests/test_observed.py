"""A log of requests becomes the load that made it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import BadInput
from advisor.workload import load_workload
from advisor.workload.log import read_log
from advisor.workload.observed import observed, profile_text
from tests.test_cli import run

START = 1_790_000_000.0


def lines(rate: float, latency: float, read: int, written: int, number: int, seed: int = 1) -> list[dict[str, Any]]:
    """A log of requests that come independently; lengths and latencies spread around their means."""
    chance, at, made = random.Random(seed), START, []
    for _ in range(number):
        at += chance.expovariate(rate)
        made.append({
            "timestamp": at, "prompt_tokens": round(read * chance.uniform(0.5, 1.5)),
            "completion_tokens": round(written * chance.uniform(0.5, 1.5)),
            "duration_s": latency * chance.uniform(0.5, 1.5), "prompt": "a secret",
        })  # fmt: skip
    return made


def written_to(path: Path, entries: list[Any]) -> Path:
    """The log as a file."""
    path.write_text("\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in entries))
    return path


@settings(max_examples=5)
@given(rate=st.floats(0.5, 20), latency=st.floats(0.5, 20), read=st.integers(50, 5000), written=st.integers(20, 900))
def test_a_replayed_log_gives_its_generator_again(
    tmp_path_factory: pytest.TempPathFactory, rate: float, latency: float, read: int, written: int
) -> None:
    """Lengths, rate and requests in flight come out within 5 % of what made them."""
    path = written_to(tmp_path_factory.mktemp("log") / "log.jsonl", lines(rate, latency, read, written, 4000))
    found = observed(read_log(path))
    assert found.read.mean == pytest.approx(read, rel=0.05)
    assert found.written.mean == pytest.approx(written, rel=0.05)
    assert found.request_rate == pytest.approx(rate, rel=0.05)
    assert found.in_flight == pytest.approx(rate * latency, rel=0.05)


def test_the_profile_is_one_and_holds_no_prompt(tmp_path: Path) -> None:
    """What is written loads as a profile of that load; nothing of a prompt's text is in it."""
    path = written_to(tmp_path / "log.jsonl", lines(3.0, 4.0, 800, 200, 2000))
    done = run("workload", "log.jsonl", "--out", "profile.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "profile.yaml").read_text()
    assert "secret" not in text and text == profile_text(observed(read_log(path)), "log.jsonl")
    made = load_workload(str(tmp_path / "profile.yaml"), {})
    assert made.request_rate == pytest.approx(3.0, rel=0.1) and made.input_tokens == pytest.approx(800, rel=0.05)


@pytest.mark.parametrize(
    "entry",
    [
        {"timestamp": "2026-09-21T14:13:20Z", "usage": {"prompt_tokens": 100, "completion_tokens": 10}},
        {"created": START, "usage": {"prompt_tokens": 100, "completion_tokens": 10}, "latency_ms": 900},
        {"ts": START * 1000, "input_tokens": 100, "output_tokens": 10, "duration_ms": 900},
        {"time": "2026-09-21 16:13:20+02:00", "prompt_tokens": 100, "completion_tokens": 10, "request_time": 0.9},
    ],
)
def test_logs_of_several_makers_are_read(entry: dict[str, Any], tmp_path: Path) -> None:
    """Times as text, seconds or milliseconds; tokens beside or under usage; a duration of any name, or none."""
    first = read_log(written_to(tmp_path / "log.jsonl", [entry, entry])).requests[0]
    assert (first.read, first.written) == (100, 10) and abs(first.at_s - START) <= 1
    assert first.took_s in (None, pytest.approx(0.9))


def test_bursts_show(tmp_path: Path) -> None:
    """Ten at once, again and again, bunch; people who come independently do not, and seldom are twice as many."""
    alone = observed(read_log(written_to(tmp_path / "alone.jsonl", lines(3.0, 4.0, 9, 9, 4000))))
    assert alone.dispersion == pytest.approx(1.0, abs=0.3) and alone.in_flight_p95 is not None
    assert 14 <= alone.in_flight_p95 <= 22  # Poisson of 12: 18
    entries = [
        entry | {"timestamp": START + 30 * (n // 10), "duration_s": 5.0}
        for n, entry in enumerate(lines(1, 1, 9, 9, 500))
    ]
    found = observed(read_log(written_to(tmp_path / "log.jsonl", entries)))
    assert found.dispersion is not None and found.dispersion > 3


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "0 requests"),
        (["not json", "{}"], "line 1"),
        ([{"timestamp": 1, "prompt_tokens": 5}], "completion_tokens"),
        ([{"prompt_tokens": 5, "completion_tokens": 5}], "no time"),
        (["[" * 9000], "no JSON"),
        ([{"timestamp": "noon", "prompt_tokens": 5, "completion_tokens": 5}], "no time"),
        ([{"timestamp": 1, "prompt_tokens": -5, "completion_tokens": True}], "prompt_tokens"),
    ],
)
def test_what_is_no_log_is_refused(entries: list[Any], said: str, tmp_path: Path) -> None:
    """The first line that is no request is named, with what is accepted."""
    with pytest.raises(BadInput, match=said) as refused:
        read_log(written_to(tmp_path / "log.jsonl", entries))
    assert "prompt_tokens and completion_tokens" in str(refused.value)

"""A log of requests becomes the load that made it."""

from __future__ import annotations

import datetime
import gzip
import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import BadInput
from advisor.workload.seen.figures import HOUR_S, Observed, observed
from advisor.workload.seen.lines import Seen, request_of
from advisor.workload.seen.log import Log, read_log
from advisor.workload.seen.profile import profile_text
from tests.seen.logs import ARRIVALS, LENGTHS, START, Asked, caddy, in_flight, jsonl, load, text


def seen(entries: list[Any], folder: Path, before: str = "") -> Observed:
    """The figures of a log."""
    path = folder / "log.jsonl"
    path.write_text(text(entries, before))
    return observed(read_log(path))


def share(tokens: list[int], part: float) -> int:
    """The length that so large a part of the requests does not exceed."""
    return sorted(tokens)[math.ceil(part * len(tokens)) - 1]


@settings(max_examples=15)
@given(
    arrivals=st.sampled_from(sorted(ARRIVALS)), lengths=st.sampled_from(sorted(LENGTHS)), rate=st.floats(0.5, 20),
    latency=st.floats(0.5, 20), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_a_replayed_log_gives_its_load_again(
    tmp_path_factory: pytest.TempPathFactory, arrivals: str, lengths: str, rate: float, latency: float, seed: int
) -> None:
    """Lengths with their percentiles, arrivals, mean and 95th percentile in flight are within 5 % of the load's own."""
    made = load(arrivals, lengths, rate, latency, 3000, seed)
    shuffled = jsonl(made)
    random.Random(seed).shuffle(shuffled)
    found = seen(shuffled, tmp_path_factory.mktemp("log"))
    for told, tokens in ((found.read, [each.read for each in made]), (found.written, [each.written for each in made])):
        assert told is not None and told.mean == pytest.approx(sum(tokens) / len(tokens), rel=0.05)
        for part, figure in ((0.5, told.p50), (0.95, told.p95), (0.99, told.p99), (1.0, told.most)):
            assert figure == pytest.approx(share(tokens, part), rel=0.05), part
    assert found.request_rate == pytest.approx(len(made) / (made[-1].at - made[0].at), rel=0.05)
    if made[-1].at - made[0].at > 40 * latency:  # else the beginning, when nobody was there yet, is a good part of it
        levels = in_flight(made)
        assert found.in_flight == pytest.approx(sum(levels) / len(levels), rel=0.05)
        if found.span_s is not None and found.span_s < 2 * HOUR_S:
            assert found.in_flight_p95 == pytest.approx(levels[math.ceil(0.95 * len(levels)) - 1], rel=0.05, abs=1)


@pytest.mark.parametrize(
    ("arrivals", "lengths"),
    [*(("poisson", name) for name in sorted(LENGTHS)), ("bursts of 5", "fixed"), ("bursts of 20", "uniform")],
)
def test_what_was_meant_comes_out(arrivals: str, lengths: str, tmp_path: Path) -> None:
    """So many requests later the means are those that the generator was told, within 5 %."""
    found = seen(jsonl(load(arrivals, lengths, 4.0, 3.0, 20_000, 7)), tmp_path)
    assert found.read is not None and found.read.mean == pytest.approx(800, rel=0.05)
    assert found.written is not None and found.written.mean == pytest.approx(200, rel=0.05)
    assert found.request_rate == pytest.approx(4.0, rel=0.05) and found.in_flight == pytest.approx(12.0, rel=0.05)


def test_bunching_shows(tmp_path: Path) -> None:
    """Requests that come independently have a dispersion of one; bursts have more, larger ones more still."""
    several = [seen(jsonl(load(name, "uniform", 3.0, 4.0, 12_000, 3)), tmp_path).dispersion for name in
               ("poisson", "bursts of 5", "bursts of 20")]  # fmt: skip
    assert several[0] == pytest.approx(1.0, abs=0.15)
    assert several[0] is not None and several[1] is not None and several[2] is not None
    assert 3 < several[1] < several[2] / 2


def test_night_and_day_are_no_bursts(tmp_path: Path) -> None:
    """Of a log of a day the busiest hour counts: its rate, its people, and how they bunch within it."""
    made: list[Asked] = []
    for hour in range(24):
        rate = 2.0 if hour == 14 else 0.02 if hour < 8 else 0.5
        part = load("poisson", "uniform", rate, 6.0, round(rate * HOUR_S), hour)
        made += [replace(each, at=each.at + hour * HOUR_S) for each in part]
    found = seen(jsonl(made), tmp_path)
    assert found.busiest_rate == pytest.approx(2.0, rel=0.05)
    assert found.dispersion == pytest.approx(1.0, abs=0.25)
    assert found.in_flight_p95 == pytest.approx(18, abs=1)  # of a Poisson distribution with mean 12


def test_the_gateways_log_tells_arrivals_and_no_lengths(tmp_path: Path) -> None:
    """Caddy's lines give what the same load's own log gives, but for tokens; what stands before a line is passed over."""
    made = load("bursts of 5", "uniform", 3.0, 4.0, 3000, 5)
    own, theirs = seen(jsonl(made), tmp_path), seen(caddy(made), tmp_path, "gateway-1  | ")
    assert theirs.read is None and theirs.written is None and theirs.longest is None
    for figure in ("request_rate", "in_flight", "in_flight_p95", "dispersion", "latency_s"):
        assert getattr(theirs, figure) == pytest.approx(getattr(own, figure), rel=1e-3), figure


@pytest.mark.parametrize(
    "wrap",
    [
        lambda entry: entry,
        lambda entry: "gateway-1  | " + json.dumps(entry),
        lambda entry: "Nov 28 12:00:00 host caddy[7]: " + json.dumps(entry),
        lambda entry: "2026-11-28T12:00:00.1Z stderr F " + json.dumps(entry),
        lambda entry: {"log": json.dumps(entry) + "\n", "stream": "stderr", "time": "2026-11-28T12:00:00.1Z"},
    ],
)
def test_a_line_is_read_wherever_it_was_kept(wrap: Any, tmp_path: Path) -> None:
    """As Caddy wrote it, and as Compose, the journal, a node of Kubernetes and Docker keep it."""
    made = load("poisson", "uniform", 3.0, 4.0, 50, 5)
    assert seen([wrap(entry) for entry in caddy(made)], tmp_path) == seen(list(caddy(made)), tmp_path)


def test_what_is_no_request_for_text_is_passed_over(tmp_path: Path) -> None:
    """Other loggers, other paths and refusals are no part of the load; those turned away are told, and not counted."""
    made = load("poisson", "uniform", 3.0, 4.0, 50, 5)
    models = [entry | {"request": {"method": "GET", "uri": "/v1/models"}} for entry in caddy(made)]
    noise = [{"level": "info", "ts": START, "logger": "tls", "msg": "cleaning"}, *models, *caddy(made, 401)]
    path = tmp_path / "log"
    path.write_text(text([*caddy(made), *noise, *caddy(made[:7], 503), *caddy(made[:3], 499)]))
    log = read_log(path)
    assert (len(log.requests), log.turned_away, log.failed, log.other, log.left_out) == (53, 7, 50, 51, 0)
    assert any("7 more were turned away" in note for note in observed(log).notes)


TOKENS = {"prompt_tokens": 100, "completion_tokens": 10}


@pytest.mark.parametrize(
    "entry",
    [
        {"timestamp": "2026-09-21T14:13:20Z", "usage": TOKENS},
        {"created": START, "usage": TOKENS, "latency_ms": 900},
        {"ts": START * 1000, "input_tokens": 100, "output_tokens": 10, "duration_ms": 900},
        {"time": "2026-09-21 16:13:20+02:00", **TOKENS, "request_time": 0.9},
        {"created_at": START, "usage": {"input_tokens": 100, "output_tokens": 10}},
        {"created_at": "2026-09-21T14:13:20.1Z", "prompt_eval_count": 100, "eval_count": 10, "total_duration": 9e8},
        {"startTime": "2026-09-21T14:13:20.0Z", "endTime": "2026-09-21T14:13:20.9Z", **TOKENS},
        {"custom_id": "a", "response": {"status_code": 200, "body": {"created": START, "usage": TOKENS}}},
        {"timestamp": START * 1e6, **TOKENS, "duration_s": "900ms"},
        {"timestamp": int(START * 1e9), **TOKENS, "duration_s": "0.9"},
        {"timestamp": str(START), "prompt_tokens": "100", "completion_tokens": "10", "duration_ms": "900"},
        {
            "time": START,
            "usage": {
                "input_tokens": 40,
                "output_tokens": 10,
                "cache_read_input_tokens": 50,
                "cache_creation_input_tokens": 10,
            },
        },
    ],
)
def test_logs_of_several_makers_are_read(entry: dict[str, Any], tmp_path: Path) -> None:
    """Times as text or in any part of a second; tokens beside or under usage; durations of any name, two times, or none."""
    path = tmp_path / "log.jsonl"
    path.write_text(text([entry, entry]))
    first = read_log(path).requests[0]
    assert (first.read, first.written) == (100, 10) and abs(first.at_s - START) <= 1
    assert first.took_s in (None, pytest.approx(0.9))


def test_what_a_cache_held_and_who_asked_is_told(tmp_path: Path) -> None:
    """Cached tokens are a mean; callers are counted, and nothing else of them is kept."""
    base = {"timestamp": START, "usage": TOKENS | {"prompt_tokens_details": {"cached_tokens": 60}}}
    found = seen([base | {"user": name} for name in ("a@example.org", "b", "b")], tmp_path)
    assert (found.cached, found.people) == (60, 2)
    assert "example" not in repr(request_of(json.dumps(base | {"user": "a@example.org"})))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "0 requests"),
        (["not json", "{}"], "line 1"),
        ([{"timestamp": 1, "prompt_tokens": 5}], "completion_tokens"),
        ([{"prompt_tokens": 5, "completion_tokens": 5}], "no time"),
        (["[" * 9000], "no JSON"),
        (['{"a":' * 9000], "no JSON"),
        ([{"timestamp": "noon", "prompt_tokens": 5, "completion_tokens": 5}], "no time"),
        ([{"timestamp": 1, "prompt_tokens": -5, "completion_tokens": True}], "prompt_tokens"),
        ([{"timestamp": 1, "prompt_tokens": 5, "completion_tokens": 5}] * 3 + ["half"] * 4, "4 lines cannot be read"),
        ([entry | {"duration": "soon"} for entry in caddy(load("poisson", "fixed", 1, 1, 3, 1))], "saw ts: .*'soon'"),
        ([{"timestamp": 1, "promptTokens": 5}], r"no prompt_tokens in it \(saw timestamp, promptTokens\)"),
        ([{"timestamp": 1, "prompt_tokens": "many", "completion_tokens": 5}], "saw prompt_tokens: 'many'"),
        ([{"timestamp": -7, "prompt_tokens": 5, "completion_tokens": 5}], "timestamp is no time .*saw timestamp: -7"),
        ([{"timestamp": 1, "status_code": 500}] * 9, "9 failed"),
        ([{"timestamp": 1, "status_code": 429}] * 9, "9 were turned away"),
        ([{"start_time": 1, "input_tokens": 9e6, "output_tokens": 5, "num_model_requests": 50}] * 9, "sums up several"),
        ([{"object": "page", "data": [{"start_time": 1, "results": [{}]}]}], "entry 1: there is no prompt_tokens"),
        ([[{"timestamp": 1, "prompt_tokens": 5}, 7]], "entry 1: there is no completion_tokens"),
    ],
)
def test_what_is_no_log_is_refused(entries: list[Any], said: str, tmp_path: Path) -> None:
    """The first line that is no request is named, with what is accepted."""
    with pytest.raises(BadInput, match=said) as refused:
        seen(entries, tmp_path)
    assert "prompt_tokens and completion_tokens" in str(refused.value)


def test_a_log_without_end_is_read_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many requests the newest count, and a line that does not end is one that cannot be read."""
    monkeypatch.setattr("advisor.workload.seen.log.MOST_REQUESTS", 100)
    monkeypatch.setattr("advisor.workload.seen.log.MOST_OF_A_LINE", 1000)
    made = load("poisson", "uniform", 3.0, 4.0, 250, 5)
    path = tmp_path / "log"
    path.write_text(text([*jsonl(made), "{" + "x" * 100_000]))
    log = read_log(path)
    assert (len(log.requests), log.earlier, log.left_out) == (100, 150, 1)
    assert log.requests[0].at_s == made[150].at


def test_a_long_log_says_how_far_it_is(tmp_path: Path) -> None:
    """In tenths of the file, each told at most once in a row, never beyond the whole, and nothing of a short one."""
    told: list[str] = []
    path = tmp_path / "long.jsonl"
    line = json.dumps({"timestamp": 1.79e9, "prompt_tokens": 5, "completion_tokens": 5})
    path.write_text(f"{line}\n" * 100_000)
    assert len(read_log(path, told.append).requests) == 100_000
    assert told == [f"reading long.jsonl: {share} %" for share in (20, 40, 60, 80, 90)]
    path.write_text(f"{line}\n" * 100)
    read_log(path, told.append)
    assert len(told) == 5


def test_a_log_of_one_moment_has_figures() -> None:
    """Requests that all came at once have no rate that any number could not hold."""
    once = Seen(START, 5, 5, 1.0)
    found = observed(Log(requests=(once, once), left_out=0))
    assert math.isfinite(found.request_rate or 0.0) and found.in_flight == 2


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 1000)), min_size=2, max_size=30))
@settings(max_examples=30)
def test_no_more_are_in_flight_than_there_were(made: list[tuple[float, float]]) -> None:
    """However briefly a log lasts and however long its answers took."""
    requests = tuple(Seen(START + at, 5, 5, took) for at, took in sorted(made))
    found = observed(Log(requests=requests, left_out=0)).in_flight
    assert found is not None and 0 < found <= len(made)


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "lines": lambda entries: text(entries).encode(),
    "lines of Windows": lambda entries: text(entries).replace("\n", "\r\n").encode(),
    "with a mark": lambda entries: text(entries).encode("utf-8-sig"),
    "packed": lambda entries: gzip.compress(text(entries).encode()),
    "packed in parts": lambda entries: b"".join(gzip.compress(text([entry]).encode()) for entry in entries),
    "a list": lambda entries: json.dumps(entries).encode(),
    "a list on many lines": lambda entries: json.dumps(entries, indent=2).encode(),
    "a list with a line each": lambda entries: ("[" + ",\n".join(map(json.dumps, entries)) + "]").encode(),
    "an answer of an API": lambda entries: json.dumps({"object": "list", "data": entries}).encode(),
    "a packed list": lambda entries: gzip.compress(json.dumps(entries).encode()),
}
CLOCKS: dict[str, Callable[[float], Any]] = {
    "seconds": lambda at: at,
    "milliseconds": lambda at: round(at * 1e3),
    "microseconds": lambda at: round(at * 1e6),
    "nanoseconds": lambda at: round(at * 1e9),
    "text": str,
    "UTC": lambda at: datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(),
    "zones that change": lambda at: datetime.datetime.fromtimestamp(
        at, datetime.timezone(datetime.timedelta(minutes=15 * (round(at) % 90 - 45)))
    ).isoformat(),
}  # fmt: skip


@settings(max_examples=40)
@given(writer=st.sampled_from(sorted(WRITERS)), clock=st.sampled_from(sorted(CLOCKS)), seed=st.integers(0, 10**6))
def test_a_load_is_the_same_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, writer: str, clock: str, seed: int
) -> None:
    """Lines or one list, packed or not, times in any part of a second or of any zone: the figures stay."""
    made = load("bursts of 5", "lognormal", 3.0, 4.0, 60, seed)
    path = tmp_path_factory.mktemp("log") / "requests.log"
    path.write_bytes(
        WRITERS[writer]([entry | {"timestamp": CLOCKS[clock](entry["timestamp"])} for entry in jsonl(made)])
    )
    found, plain = observed(read_log(path)), seen(jsonl(made), path.parent)
    for figure in ("request_rate", "in_flight", "latency_s", "dispersion"):
        assert getattr(found, figure) == pytest.approx(getattr(plain, figure), rel=1e-3), figure
    assert (found.read, found.written, found.in_flight_p95, found.notes) == (
        plain.read, plain.written, plain.in_flight_p95, plain.notes,
    )  # fmt: skip


@pytest.mark.parametrize("broken", [lambda packed: packed[:-9], lambda packed: packed[:40] + b"x" * 40 + packed[80:]])
def test_a_packed_log_that_is_broken_off(broken: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """It is said, with none of its bytes."""
    path = tmp_path / "access log.1.gz"
    path.write_bytes(broken(gzip.compress(text(jsonl(load("poisson", "uniform", 3.0, 4.0, 50, 5))).encode())))
    with pytest.raises(BadInput, match="compressed by gzip and broken") as refused:
        read_log(path)
    assert str(refused.value).isascii()


BASE = jsonl(load("poisson", "uniform", 3.0, 4.0, 60, 5))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([entry | {"duration_s": -1} if not place % 4 else entry for place, entry in enumerate(BASE)], "15 of 60 tell no duration"),
        ([entry | {"timestamp": START} for entry in BASE], "same moment"),
        ([entry | {"timestamp": START // 60 * 60 + 60 * place} for place, entry in enumerate(BASE)], "whole minutes"),
        ([entry | {"duration_s": 1000 * entry["duration_s"]} for entry in BASE], "duration_ms"),
        ([entry | {"timestamp": f"2026-11-28T12:00:{place:02d}{'+02:00' if place % 2 else ''}"} for place, entry in enumerate(BASE)], "30 of 60 times tell no time zone"),
        ([*BASE, "a secret that was told over", "two lines"], "2 lines cannot be read and are left out; line 61: is no JSON object"),
        ([*BASE, '{"prompt": "a secret'], "1 line cannot be read and is left out; line 61"),
        ([*BASE, {"prompt": "a secret"}], "1 line cannot be read and is left out; line 61: there is no time"),
        ([*BASE, *({**entry, "status": "failure", "completion_tokens": 0} for entry in BASE[:5])], "5 failed"),
    ],
)  # fmt: skip
def test_nothing_is_lost_in_silence(entries: list[Any], said: str, tmp_path: Path) -> None:
    """What is not in the figures, or makes them doubtful, is said, and no word of a prompt is in what is said."""
    found = seen(entries, tmp_path)
    assert any(said in note for note in found.notes), found.notes
    assert found.requests == 60 and "secret" not in repr(found)
    profile = profile_text(found, "log.jsonl")
    assert said in profile and "secret" not in profile


def test_times_that_tell_too_little_make_no_figure(tmp_path: Path) -> None:
    """Of one moment there is no rate, of whole minutes no bunching: what is not known is no number."""
    once = seen([entry | {"timestamp": START} for entry in BASE], tmp_path)
    assert once.request_rate is None and once.busiest_rate is None and once.in_flight == 60
    coarse = seen([entry | {"timestamp": START // 60 * 60 + 60 * place} for place, entry in enumerate(BASE)], tmp_path)
    assert coarse.dispersion is None and coarse.in_flight_p95 is None and coarse.request_rate == pytest.approx(1 / 60)

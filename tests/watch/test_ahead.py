"""Where the load leads: trends beyond the noise, dates that follow from them, and the crossover as it is seen."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.watch.crossover import Crossover, Forecast, Levels, at, corrected, crossover
from advisor.watch.reading import Reading
from advisor.watch.trend import break_of, trend_of

NOON = datetime.datetime(2026, 11, 29, 12, 0, tzinfo=datetime.UTC).timestamp()
LINE = [(NOON + second, 1.0 + second / 60) for second in range(60)]
OWN, OTHER = ((1.0, 80.0), (4.0, 90.0), (16.0, 100.0)), ((1.0, 40.0), (4.0, 120.0), (16.0, 300.0))
FORECAST = Forecast(engine="ollama", other="vllm", own=OWN, others=OTHER, predicted=2.6)


def test_a_line_is_followed_to_its_bound() -> None:
    """One more a minute from one: five are met four minutes after the first look."""
    found = break_of("in flight", LINE, 5.0)
    assert found is not None and found.date == "2026-11-29 12:04 UTC" and not found.reached


def test_a_bound_that_is_met_already() -> None:
    """It is said with the moment, whatever the trend."""
    found = break_of("in flight", LINE, 1.5)
    assert found is not None and found.reached and found.date == "2026-11-29 12:00 UTC"


def test_noise_is_no_trend() -> None:
    """Of a hundred noisy levels without a trend at most a few are called one, and no date is made of the others."""
    surely = 0
    for seed in range(100):
        draw = random.Random(seed)
        found = trend_of([(float(second), draw.gauss(10, 3)) for second in range(60)])
        surely += found is not None and found.sure
    assert surely <= 5


@pytest.mark.parametrize("points", [[], LINE[:5], [(NOON + n / 10, float(n)) for n in range(100)]])
def test_too_little_to_say(points: list[tuple[float, float]]) -> None:
    """Few looks, or a short time: no trend at all."""
    assert trend_of(points) is None and break_of("x", points, 5.0) is None


def test_falling_and_level_loads_break_nothing() -> None:
    """No date where nothing rises, nor one that lies more than a year ahead."""
    for slope in (-0.01, 0.0, 1e-9):
        found = break_of("x", [(NOON + n, 5 + slope * n) for n in range(60)], 10.0)
        assert found is not None and found.date is None and not found.reached


@given(st.floats(0.001, 0.5), st.floats(1.01, 3.0))
def test_a_steeper_load_breaks_sooner(slope: float, more: float) -> None:
    """Of two loads that begin alike the one that rises faster meets the bound no later."""
    dates = [break_of("x", [(NOON + n, 1 + rise * n) for n in range(60)], 1000.0) for rise in (slope, slope * more)]
    assert dates[0] is not None and dates[1] is not None
    assert dates[0].date is None or (dates[1].date is not None and dates[1].date <= dates[0].date)


def seen(levels: Mapping[int, float], now: int = 0, forecast: Forecast = FORECAST) -> Crossover:
    """The crossover after those rates."""
    return crossover(forecast, levels, now)


def test_without_a_look_it_is_the_predicted_one() -> None:
    """One level is no curve: the prediction stands, and says that it is one."""
    for found in (seen({}), seen({1: 50.0})):
        assert found.in_flight == 2.6 and found.basis == "predicted"


def test_what_was_predicted_and_is_seen_moves_little() -> None:
    """With the predicted rates the curves meet where they meet."""
    found = seen({1: 80.0, 4: 90.0, 16: 100.0})
    assert found.basis == "seen" and found.in_flight is not None
    assert at(OWN, found.in_flight) == pytest.approx(at(OTHER, found.in_flight))


@given(st.floats(0.2, 1.0), st.floats(0.2, 1.0))
def test_a_slower_ollama_is_passed_sooner(one: float, other: float) -> None:
    """The less the watched Ollama writes, the sooner vLLM passes it; of a watched vLLM the later."""
    slow, fast = sorted((one, other))
    for forecast, sooner, later in (
        (FORECAST, slow, fast),
        (Forecast(engine="vllm", other="ollama", own=OTHER, others=OWN), fast, slow),
    ):
        ends = [
            seen({1: by * forecast.own[0][1], 16: by * forecast.own[-1][1]}, forecast=forecast).in_flight
            for by in (sooner, later)
        ]
        assert (ends[0] or 1e9) <= (ends[1] or 1e9) * 1.0001


def test_reached_is_said() -> None:
    """For an Ollama from the crossover on, for a vLLM below it; without one never."""
    assert seen({}, now=3).reached and not seen({}, now=2).reached
    assert seen(
        {}, now=2, forecast=Forecast(engine="vllm", other="ollama", own=OTHER, others=OWN, predicted=2.6)
    ).reached
    none = seen({}, now=100, forecast=Forecast(engine="ollama", other="vllm", reason="no model is loaded"))
    assert not none.reached and none.reason == "no model is loaded" and none.in_flight is None


def test_levels_are_added_up_where_they_stand_still() -> None:
    """Tokens over seconds of a level, never of a look at which it changed, and none that was held too shortly."""
    levels, tokens, last = Levels(), 0.0, None
    for second, flying in enumerate([1] * 6 + [2] * 6 + [3] * 2):
        tokens += 10 * flying
        now = Reading(at_s=float(second), running=flying, totals={"output_tokens": tokens})
        if last is not None:
            levels.add(last, now)
        last = now
    assert levels.rates() == {1: 10.0, 2: 20.0}


def test_a_curve_between_and_beyond_its_points() -> None:
    """Straight in logarithms between them, level beyond them; seen as predicted it is itself."""
    assert at(OWN, 0.5) == 80.0 and at(OWN, 64) == 100.0 and 80 < at(OWN, 2) < 90
    assert dict(corrected(OWN, {4: 90.0})) == pytest.approx(dict(OWN))

"""Where the load leads: trends beyond the noise, dates that follow from them, and the crossover as it is seen."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.commands.foreseeing import predicted
from advisor.engines.looking import Reading
from advisor.measured.correction import Measurements
from advisor.measured.ratios import at, corrected, ratios_of
from advisor.models.names import find_model
from advisor.probe.simulate import simulate
from advisor.schema import Question
from advisor.watch.crossover import REACH, SHARED, Crossover, Forecast, Levels, as_seen, crossover, meeting
from advisor.watch.trend import break_of, trend_of
from advisor.workload import load_workload
from tests.watch.pairs import PAIRS, Pair

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


BOTH = (FORECAST, Forecast(engine="vllm", other="ollama", own=OTHER, others=OWN, predicted=2.6))


@given(st.floats(0.2, 5.0), st.sampled_from(BOTH))
def test_half_of_a_difference_is_the_machine(by: float, forecast: Forecast) -> None:
    """What is as much faster at every load moves the crossover as half of it does where all of it is the engine's."""
    found = seen({int(load): by * rate for load, rate in forecast.own}, forecast=forecast).in_flight
    half = tuple((load, math.sqrt(by) * rate) for load, rate in forecast.own)
    assert found == pytest.approx(meeting(replace(forecast, own=half)))


@given(st.floats(0.2, 5.0), st.floats(0.2, 5.0), st.sampled_from(BOTH))
def test_at_the_crossover_both_write_alike(one: float, other: float, forecast: Forecast) -> None:
    """Whatever was seen: the watched engine as it is seen, and the other one moved by half of that."""
    rates = {1: one * forecast.own[0][1], 16: other * forecast.own[-1][1]}
    found = seen(rates, forecast=forecast).in_flight
    moved = as_seen(forecast, rates)
    if found is not None and found > 1:
        assert at(moved.own, found) == pytest.approx(at(moved.others, found))
        assert at(moved.others, 16) == pytest.approx(math.sqrt(other) * at(forecast.others, 16))


@given(st.floats(1.0, 2.0), st.floats(1.0, 2.0), st.floats(0.5, 2.0), st.sampled_from(BOTH))
def test_the_range_holds_the_crossover(own: float, others: float, by: float, forecast: Forecast) -> None:
    """Its ends lie around it, further apart where the predictions say less, and seeing the engine brings them nearer."""
    unsure = [
        replace(forecast, own_range=((1.0, own * more),), others_range=((1.0, others * more),)) for more in (1.0, 1.2)
    ]
    for rates in ({}, {1: by * forecast.own[0][1], 16: forecast.own[-1][1]}):
        (least, at_load, most), (below, _, above) = (
            (each.least, each.in_flight, each.most) for each in (seen(rates, forecast=way) for way in unsure)
        )
        assert least is not None and below is not None and below <= least and end(most) <= end(above)
        assert rates == {} or least - 1e-9 <= end(at_load) <= end(most) + 1e-9


@given(st.floats(0.2, 5.0), st.sampled_from(BOTH))
def test_beyond_what_was_seen_the_prediction_comes_back(by: float, forecast: Forecast) -> None:
    """What is seen holds where it was seen, half of it a factor `REACH` away, and ever less further on, on either side."""
    far = replace(
        forecast,
        own=tuple((float(4**power), 80.0) for power in range(8)),
        others=tuple((float(4**power), 40.0) for power in range(8)),
    )
    moved = as_seen(far, {64: by * 80.0, 256: by * 80.0})
    for level, halves in ((64, 0), (256, 0), (16, 1), (1024, 1), (4, 2), (4096, 2), (1, 3)):
        part = 0.5 ** (halves * math.log(4) / math.log(REACH))
        assert at(moved.own, level) == pytest.approx(80.0 * by**part)
        assert at(moved.others, level) == pytest.approx(40.0 * by ** (SHARED * part))


@given(st.floats(1.01, 2.0), st.floats(1.01, 2.0), st.sampled_from(BOTH))
def test_the_range_is_wider_where_less_was_seen(own: float, others: float, forecast: Forecast) -> None:
    """Seen at loads around the crossover it is narrower than seen far from it, and than seen at none."""
    ranged = replace(forecast, own_range=((1.0, own),), others_range=((1.0, others),), predicted=meeting(forecast))
    found = [
        seen({level: at(ranged.own, level) for level in levels}, forecast=ranged) for levels in ((1, 16), (64, 256), ())
    ]
    assert [each.least for each in found] == sorted((each.least or 0 for each in found), reverse=True)
    assert [end(each.most) for each in found] == sorted(end(each.most) for each in found)


def end(load: float | None) -> float:
    """None is further than any load."""
    return math.inf if load is None else load


@pytest.fixture(scope="module")
def watched() -> Mapping[str, tuple[Pair, Crossover]]:
    """What a watch says after it saw each Ollama of the pairs at every load."""
    return {name: (pair, seen(pair.ollama, forecast=pair.forecast())) for name, pair in PAIRS.items()}


def test_the_crossover_of_real_engines(watched: Mapping[str, tuple[Pair, Crossover]]) -> None:
    """Of four in five pairs it lies within the range of 80 %, and is met within a factor of 1.5; none is off by 1.75."""
    offs, held = {}, {}
    for name, (pair, found) in watched.items():
        assert found.basis == "seen" and found.in_flight is not None and found.least is not None, name
        offs[name] = math.exp(abs(math.log(found.in_flight / pair.met)))
        held[name] = found.least - 0.01 <= pair.met <= (found.most or math.inf)
    assert sum(held.values()) >= 0.8 * len(held), held
    assert sum(off <= 1.5 for off in offs.values()) >= 0.8 * len(offs) and max(offs.values()) <= 1.75, offs


def test_what_is_seen_brings_the_crossover_nearer(watched: Mapping[str, tuple[Pair, Crossover]]) -> None:
    """Over all pairs what a watch says after it has seen rates is nearer to the measured one than what was predicted."""

    def off(load: float | None, met: float) -> float:
        return math.log((load or math.inf) / met) ** 2

    before = sum(off(pair.forecast().predicted, pair.met) for pair, _ in watched.values())
    after = sum(off(found.in_flight, pair.met) for pair, found in watched.values())
    assert after < before


def test_the_watched_curve_is_of_the_slots_that_it_has() -> None:
    """One slot writes no more for eight than for one nearly; eight slots do: the machine is no slower for it."""
    one, many = (replace(PAIRS["llama-3b"], slots=slots).forecast() for slots in (1, 8))
    assert at(one.own, 1) == at(many.own, 1) and at(one.own, 8) < 1.2 * at(one.own, 1) < at(many.own, 8)
    assert one.others == many.others and one.predicted is not None and many.predicted is not None
    assert one.predicted < many.predicted


def test_the_watched_curve_is_of_the_weights_that_are_loaded() -> None:
    """Fewer bits a weight write faster on the same card: what is loaded is predicted, and the other engine stays."""
    model = "meta-llama/Llama-3.2-3B-Instruct"
    asked = Question(
        model=find_model(model, offline=True), workload=load_workload(None, {"model": model, "concurrency": 1}),
        hardware=simulate("RTX 4090"), measurements=Measurements(),
    )  # fmt: skip
    forms = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0")
    told = [
        predicted(
            replace(asked, workload=replace(asked.workload, quantization=form)), Forecast(engine="ollama", other="vllm")
        )
        for form in forms
    ]
    alone = [each.own[0][1] for each in told]
    assert alone == sorted(alone) and alone[0] < alone[-1]
    assert len({each.others for each in told}) == 1


def test_reached_is_said() -> None:
    """For an Ollama from the crossover on, for a vLLM below it; without one, or while nobody is there, never."""
    assert seen({}, now=3).reached and not seen({}, now=2).reached
    assert seen(
        {}, now=2, forecast=Forecast(engine="vllm", other="ollama", own=OTHER, others=OWN, predicted=2.6)
    ).reached
    idle = Forecast(engine="vllm", other="ollama", own=OTHER, others=OWN, predicted=2.6)
    assert not seen({}, now=0, forecast=idle).reached and not crossover(idle, {}, None).reached
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
    assert dict(corrected(OWN, ratios_of(OWN, {4: 90.0}))) == pytest.approx(dict(OWN))

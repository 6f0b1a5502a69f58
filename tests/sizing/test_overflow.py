"""Own machines for the base and an API above it, and the hours without load."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import BadInput
from advisor.sizing.night import night_of
from advisor.sizing.overflow import Overflow, Peaks, overflow
from advisor.sizing.search import sized
from advisor.sizing.supply import Limits
from tests.sizing.asked import ask, few, terms

ON = terms(api_in=0.2, api_out=0.6, ops_hours=10.0, idle_watts=15.0)


def beside(users: int, base: int, hours: float, by: float = 1.0) -> Overflow:
    """Machines for the base, the API's price multiplied."""
    question, on = ask(users=users), replace(ON, api_in=0.2 * by, api_out=0.6 * by)
    whole = sized(question, few(), Limits(), on).kinds["cheapest"]
    found = overflow(question, few(), Limits(), on, Peaks(base=base, hours=hours), whole)
    assert found is not None
    return found


@settings(max_examples=3)
@given(users=st.integers(60, 300), share=st.floats(0.05, 0.9), more=st.floats(1.1, 3.0))
def test_longer_peaks_and_a_dearer_api_cost_more(users: int, share: float, more: float) -> None:
    """What machines carry is at least the base; the API takes what is left, in proportion to hours and price."""
    base = max(round(share * users), 1)
    plain, longer, dearer = beside(users, base, 3.0), beside(users, base, 3.0 * more), beside(users, base, 3.0, more)
    assert base <= plain.carried <= users and plain.way.verdict.meets_targets
    for other in (longer, dearer):
        assert other.api_per_month == pytest.approx(more * plain.api_per_month) and other.carried == plain.carried
    assert (plain.api_per_month > 0) == (plain.carried < users)


@pytest.mark.parametrize("base", [0, 50, 51])
def test_a_base_that_is_no_part_of_the_load_is_refused(base: int) -> None:
    """From one to below the load."""
    with pytest.raises(BadInput, match="--base"):
        overflow(ask(users=50), few(), Limits(), ON, Peaks(base=base, hours=3.0), None)


def test_the_base_carries_what_its_machines_do_with_any_plan() -> None:
    """A card that carries the whole load needs no API for its peaks, though the plan for the base would not do it."""
    question, peaks = ask(users=60), Peaks(base=5, hours=3)
    whole = sized(question, few(), Limits(), ON).kinds["cheapest"]
    found = overflow(question, few(), Limits(), ON, peaks, whole)
    assert found is not None
    same = found.way.fit == whole.fit
    assert not same or (found.carried == 60 and found.api_per_month == 0)


def test_by_hand_what_a_night_costs() -> None:
    """A card that idles at 15 W in a computer that idles at 90, for 14 hours at 20 cents, takes 8.94 $ a month."""
    (way, *_) = sized(ask(users=5), few(), Limits(), ON).ways
    night = night_of(way, ON)
    assert night is not None and night.start_s >= 60
    assert night.idle_per_month == pytest.approx((15 + 90) * 14 / 1000 * 365 / 12 * 0.2)
    assert night_of(way, terms()) is None

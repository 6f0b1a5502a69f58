"""The report says of every figure that is aimed at whether it is met, and of a missed one what was tried."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("numpy", reason="the calibration is a development program and needs NumPy")

from advisor.calibrate.kinds import KINDS, Kind
from advisor.calibrate.targets import TRIED, section

PERFECT = Kind(rows=100, sources=10, median=0.0, by_source=0.0, p90=0.0, twice=0.0, signed=0.0)
AWFUL = PERFECT._replace(median=2.0, by_source=2.0, p90=9.0, twice=1.0, signed=-0.9)


def told(kind: Kind, share: int) -> str:
    """The section where every kind of measurement has these errors and so many in a hundred are right."""
    return section({name: kind for name, _, _ in KINDS}, (share, 100), (share, 100), share / 100)


def test_what_is_missed_says_what_was_tried_and_what_would_settle_it() -> None:
    """Each figure once, with both, and nothing is said of a figure that is not aimed at."""
    text = told(AWFUL, 0)
    missed = re.findall(r"^- \*\*(.+?)\*\*\. Tried: .+?\. Data: .+\.$", text, re.MULTILINE)
    assert sorted(missed) == sorted(TRIED)
    assert text.count("| missed |") == len(TRIED)


def test_what_is_met_needs_no_excuse() -> None:
    """Where every figure is met, none is explained."""
    text = told(PERFECT, 100)
    assert text.count("| met |") == len(TRIED)
    assert "Tried" not in text

"""Shared by all tests: the switch that rewrites the golden scenarios, and property tests without a clock."""

from __future__ import annotations

import pytest
from hypothesis import settings

# No test may depend on absolute time, and a failing example must be the same on every machine.
settings.register_profile("advisor", deadline=None, derandomize=True)
settings.load_profile("advisor")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-golden: the same comparison with writing switched on."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what is computed now")

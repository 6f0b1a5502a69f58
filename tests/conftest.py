"""Shared by all tests: the switch that rewrites the golden scenarios."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-golden: the same comparison with writing switched on."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what is computed now")

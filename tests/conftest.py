"""Shared by all tests: the switch that rewrites the golden scenarios, and property tests without a clock."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import settings

# No test may depend on absolute time, and a failing example must be the same on every machine.
settings.register_profile("advisor", deadline=None, derandomize=True)
settings.load_profile("advisor")


@pytest.fixture(autouse=True)
def no_measurements_of_this_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a smoke run kept on this machine must not change what a test sees."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))


# What is started for real and takes longest comes first, so that CI's time limit cuts what is judged elsewhere too.
EARLY = ("test_engines.py", "test_kubernetes_node.py", "test_stack.py", "test_nodes_real.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with real engines in the order of EARLY; all others stay where they are."""
    items.sort(key=lambda item: EARLY.index(item.path.name) if item.path.name in EARLY else len(EARLY))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-golden: the same comparison with writing switched on."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what is computed now")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Real engines start one after the other, and in CI none after ADVISOR_ENGINES_UNTIL (Unix time)."""
    if not item.get_closest_marker("engine"):
        return
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("real engines share ports and processor: run `python -m pytest -m engine` without -n")
    until = os.environ.get("ADVISOR_ENGINES_UNTIL")
    if until and time.time() > float(until):
        pytest.skip("CI's time for real engines is over: `python -m pytest -m engine` runs the rest")

"""Shared by all tests: scenarios rendered, the switch that rewrites what is kept of them, property tests without a clock."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import settings

from tests import scenarios

if "mix_stderr" in inspect.signature(CliRunner).parameters:  # click before 8.2
    CliRunner.__init__.__defaults__ = ("utf-8", None, False, False)  # both streams told apart, as later ones do

# A job in the background of a script ignores the first, what nohup starts the second; and so would what a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No test may depend on absolute time, and a failing example must be the same on every machine.
settings.register_profile("advisor", deadline=None, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=500)
settings.load_profile("nightly" if os.environ.get("ADVISOR_NIGHTLY") else "advisor")


@pytest.fixture(autouse=True)
def no_measurements_of_this_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a smoke run or an update kept on this machine, and own entries, must not change what a test sees."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # what the Hub says today is in no folder that a test writes


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Scenario → its folder with every file of every way to run it, rendered when a test first asks for it. To read, not to write into."""
    place = tmp_path_factory.mktemp("scenarios")

    @cache
    def folder(scenario: str) -> Path:
        made = place / scenario
        made.mkdir()
        return scenarios.write(scenarios.every_file(scenario), made)

    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-golden: the same comparison with writing switched on."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden from what is computed now")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Real engines start one after the other."""
    if item.get_closest_marker("engine") and "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("real engines share ports and processor: run `python -m pytest -m engine` without -n")

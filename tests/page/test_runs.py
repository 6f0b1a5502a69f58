"""The checklist and the smoke test as the page starts them: watched while they go on, cancelled, gone afterwards."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from advisor.edge.children import members
from advisor.page.runs import Runs
from advisor.page.views import Page
from tests.engines import stub
from tests.engines.test_stub_engine import FAKE, register
from tests.page.asking import QWEN, SCRIPT, TOKEN, at, client

ASKED = {"users": "2", "gpu": "RTX 4090", "model": QWEN, "engine": stub.NAME, "run": "native", "parts": "none",
         "input_tokens": "32", "output_tokens": "8"}  # fmt: skip
PROGRAM = (sys.executable, str(Path(__file__).with_name("stub_program.py")))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Runs of a program that knows the stub, whose server is a stand-in."""
    register(monkeypatch)
    program = tmp_path / "bin" / "stub"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    made = Runs(PROGRAM)
    yield made
    made.close()


@pytest.fixture
def page(runs: Runs) -> TestClient:
    """The page over them."""
    return client(Page(TOKEN, runs=runs))


def started(page: TestClient, kind: str, seconds: str = "1") -> str:
    """The address of a run that was just started."""
    question = at("", **ASKED).partition("?")[2]
    answer = page.post(at("runs"), data={"kind": kind, "question": question, "seconds": seconds}, headers=SCRIPT)
    found = re.search(r'hx-get="(runs/\w+)"', answer.text)
    assert found, answer.text
    return at(found[1])


def ended(page: TestClient, run: str, within_s: float = 100.0) -> str:
    """How it looks once it no longer asks for itself."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        text = page.get(run, headers=SCRIPT).text
        if "hx-trigger" not in text:
            return text
        time.sleep(0.1)
    raise AssertionError(text)


def test_a_checklist_is_run_and_told(page: TestClient) -> None:
    """Every line with its result, and what the whole came to."""
    text = ended(page, started(page, "check"))
    assert re.search(r"Checklist: <span class=\"\w+\">(passed|failed)</span>", text)
    assert "pass" in text and "the knob is on" in text and "Cancel" not in text


def test_a_smoke_test_is_watched_step_by_step(page: TestClient) -> None:
    """While it goes on its steps appear; at its end it shows them, and what was measured beside what was predicted."""
    run = started(page, "smoke")
    seen, until = False, time.monotonic() + 60
    while not seen and time.monotonic() < until:
        text = page.get(run, headers=SCRIPT).text
        seen = "hx-trigger" in text and "healthy" in text
        time.sleep(0.05)
    assert seen, text
    text = ended(page, run)
    assert 'Smoke test: <span class="yes">passed</span>' in text
    assert "Predicted and measured" in text and "clean" in text


def test_a_cancelled_smoke_test_stops_what_it_started(page: TestClient, runs: Runs) -> None:
    """Cancel is Ctrl-C: the engine goes, nothing of its session lives, and the run says so."""
    run = started(page, "smoke", "600")
    until = time.monotonic() + 60
    while "stream" not in page.get(run, headers=SCRIPT).text and time.monotonic() < until:
        time.sleep(0.1)
    assert "stopping" in page.post(run + "/cancel", headers=SCRIPT).text
    assert "cancelled" in ended(page, run)
    found = runs.find(run.rpartition("/")[2])
    assert found and found.process.poll() is not None and not members(found.process.pid)


def test_there_is_one_run_at_a_time(page: TestClient) -> None:
    """A second one waits for nobody: it is refused in words."""
    run = started(page, "smoke", "600")
    answer = page.post(
        at("runs"), data={"kind": "check", "question": at("", **ASKED).partition("?")[2]}, headers=SCRIPT
    )
    assert "another run goes on" in answer.text
    page.post(run + "/cancel", headers=SCRIPT)
    ended(page, run)


def test_without_scripts_a_run_has_a_page_of_its_own(page: TestClient) -> None:
    """It loads itself again until it has ended, and leads back to the question."""
    question = at("", **ASKED).partition("?")[2]
    answer = page.post(at("runs"), data={"kind": "check", "question": question})
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert "Back to the plan" in page.get(where).text
    ended(page, where)
    assert "refresh" not in page.get(where).text


@pytest.mark.parametrize(
    "form",
    [{"kind": "format"}, {}, {"kind": "smoke", "seconds": "0"}, {"kind": "check", "question": "users=x"}, {"kind": "check", "question": "no=1"}],
)  # fmt: skip
def test_what_is_no_run_is_refused(page: TestClient, form: dict[str, str]) -> None:
    """400 in words, and nothing starts."""
    assert (
        page.post(at("runs"), data={"question": at("", **ASKED).partition("?")[2]} | form if form else {}).status_code
        == 400
    )


def test_a_run_that_there_is_not_is_not_found(page: TestClient) -> None:
    """Neither to look at nor to cancel."""
    assert page.get(at("runs/none")).status_code == page.post(at("runs/none/cancel")).status_code == 404


def test_nothing_is_left_when_the_page_ends(runs: Runs) -> None:
    """The run is cancelled, and its folder is gone from the disk."""
    page = client(Page(TOKEN, runs=runs))
    started(page, "smoke", "600")
    place = Path(runs._place.name)
    assert any(place.iterdir())
    runs.close()
    assert not place.exists()

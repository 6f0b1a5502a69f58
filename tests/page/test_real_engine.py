"""The page starts a real engine of this processor, is watched in Chromium while it goes on, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import WAIT_MS, Open
from tests.report.pictures import served

pytestmark = pytest.mark.engine
LOAD = {
    "engine": "ollama", "run": "native", "parts": "none", "users": "1", "concurrency": "1",
    "input_tokens": "64", "output_tokens": "16", "context_tokens": "256",
}  # fmt: skip
WANTED_S, LONG_S = 2, 600  # of load
WHOLE_MS = 300_000  # for a smoke test from start to end where others take the processor


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the engine of this test keeps its models; no other program's environment names it."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def address(engines: dict[str, str], store: Path) -> Iterator[str]:
    """The page, where Ollama is on PATH."""
    with served({**engines, "OLLAMA_MODELS": str(store)}) as first:
        yield first


def living(store: Path) -> list[str]:
    """Ollama and its runners that were started with this store, as they were called."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            called = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if (
                re.search(r"ollama|llama-server", called.partition(" ")[0])
                and str(store).encode() in (process / "environ").read_bytes()
            ):
                found.append(called)
    return found


def begun(page: Page, seconds: int) -> Locator:
    """The smoke test of the plan, just started: its heading."""
    page.get_by_label("seconds for each load").fill(str(seconds))
    page.get_by_role("button", name="Run the smoke test").click()
    heading = page.locator("#watched h3")
    expect(heading).to_contain_text("running", timeout=WAIT_MS)
    return heading


def test_a_real_smoke_test_is_watched_and_another_cancelled(opened: Open, engines: dict[str, str], store: Path) -> None:
    """Lived, it passes and shows measured beside predicted; cancelled in the middle, it says so; the engine is gone after either."""
    page = opened(**LOAD, model=engines["ADVISOR_MODEL_GGUF"])
    heading = begun(page, WANTED_S)
    expect(page.locator("#watched pre")).to_contain_text("healthy", timeout=WAIT_MS)
    assert living(store)
    expect(heading).to_contain_text(re.compile("passed|failed|ended"), timeout=WHOLE_MS)
    assert "passed" in heading.inner_text(), page.locator("#watched").inner_text()
    assert page.get_by_role("region", name="Predicted and measured").locator("tbody tr").count() > 2
    assert not living(store)

    heading = begun(page, LONG_S)
    expect(page.locator("#watched pre")).to_contain_text("models", timeout=WAIT_MS)
    assert living(store)
    page.get_by_role("button", name="Cancel").click()
    expect(heading).to_contain_text("cancelled", timeout=WAIT_MS)
    assert not living(store)

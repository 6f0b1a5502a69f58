"""A real Chromium before the page that `advisor ui` serves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.report.pictures import served
from tests.required import absent
from tests.smoke.conftest import engines

__all__ = ["engines"]
WAIT_MS = 120_000  # for an answer on a slow machine
WIDE, PHONE = (1280, 900), (390, 844)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The first line that `advisor ui` prints, while it serves."""
    with served() as first:
        yield first


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from this system."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        absent("there is no chromium: tests/tools/page.sh")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Open]:
    """Opens a question; whatever the console complains of, and any request that leaves this machine, fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def left(request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            wrong.append(request.url)

    def page(size: tuple[int, int] = WIDE, scripts: bool = True, dark: bool = False, **asked: str) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, java_script_enabled=scripts, color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )  # fmt: skip
        contexts.append(context)
        made = context.new_page()
        made.set_default_timeout(WAIT_MS)
        made.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        made.on("pageerror", lambda error: wrong.append(str(error)))
        made.on("request", left)
        made.goto(f"{address}?{urlencode(asked)}" if asked else address)
        return made

    yield page
    for context in contexts:
        context.close()
    assert not wrong

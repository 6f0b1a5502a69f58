"""The two pictures of the README, made anew of what the program gives: `python -m tests.report.pictures`.

The terminal is what `recommend` prints at 80 columns, the page what `advisor ui` serves; Chromium draws both.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI

from advisor.report.screen import Screen
from advisor.report.terminal import Written
from advisor.report.views import view
from tests.page.asking import YES
from tests.report.answers import answer, files

PICTURES = Path(__file__).parents[2] / ".github"
COLUMNS = 80
_FRAME = (
    "<body style='margin:0;background:#0c0c0c'><pre style='display:inline-block;margin:0;padding:14px 18px;"
    'font:13px/1.3 "DejaVu Sans Mono",monospace;color:#d9d9d9;background:#0c0c0c\'>{code}</pre></body>'
)


def terminal_html() -> str:
    """The first case of the kept looks, with its colours."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    for line in view(answer("yes"), Written(files("yes"), "deploy"), Screen(columns=COLUMNS), None):
        console.print(line)
    return console.export_html(code_format=_FRAME, inline_styles=True, theme=MONOKAI)


@contextmanager
def served(engines: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The address of a page of its own, with nothing measured; `engines` is the environment in which it finds them."""
    with TemporaryDirectory() as home:
        env = {**engines, "HOME": home, "XDG_DATA_HOME": home, "PYTHONPATH": str(PICTURES.parent)}
        words = [sys.executable, "-m", "advisor.cli", "ui", "--no-browser"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def browsed() -> Iterator[Browser]:
    """Chromium of this system."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def settled(page: Page) -> None:
    """Until the rest of the answer has come."""
    page.wait_for_selector("#rest:not([hx-get]) h3", timeout=120_000)


def main() -> None:
    """Write both."""
    with browsed() as browser, served() as address:
        page = browser.new_page(viewport={"width": 700, "height": 600})
        page.set_content(terminal_html())
        page.locator("pre").screenshot(path=PICTURES / "terminal.png")
        page = browser.new_page(viewport={"width": 1170, "height": 595})
        page.goto(f"{address}?{urlencode(YES)}")
        settled(page)
        page.screenshot(path=PICTURES / "page.png")


if __name__ == "__main__":
    main()

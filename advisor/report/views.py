"""The views of one answer, and which of them is shown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from advisor.pipeline import Answer
from advisor.report.console import show
from advisor.report.screen import Screen, screen
from advisor.report.terminal import Written, lines


def view(answer: Answer, written: Written, on: Screen, name: str | None) -> Iterable[Text]:
    """The lines of a view: `full`, `settings`, `why`, or the short answer."""
    if name is None:
        return lines(answer, written, on)
    from advisor.report.full import all_settings, full, why

    if name == "full":
        return full(answer, written, on)
    return all_settings(answer, on) if name == "settings" else why(answer, on)


def show_answer(answer: Answer, written: Written, name: str | None) -> None:
    """Print a view to standard output."""
    show(view(answer, written, screen(), name))

"""Pages to look at: one file each, nothing fetched, readable without scripts, every value of a plan escaped."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from advisor.evaluate import Compared, Summary
from advisor.folder.kinds import UNSEEN
from advisor.pipeline import Answer
from advisor.render import environment
from advisor.report.evaluate_sheet import evaluate_sheet
from advisor.report.results import Results
from advisor.report.sheet import sheet
from advisor.report.smoke_sheet import smoke_sheet
from advisor.schema import Plan
from advisor.smoke.outcome import SmokeReport

if TYPE_CHECKING:
    from jinja2 import Environment

FIRST_LINE = "<!doctype html><!-- by advisor -->\n"  # of every page, so that a later one may replace it


def report_page(answer: Answer, plan: Plan, note: str, results: Results) -> str:
    """The report of a plan."""
    return page("html/report.html.j2", sheet(answer, plan, note, results))


def smoke_page(report: SmokeReport) -> str:
    """The report of a smoke test, in the same style."""
    told = smoke_sheet(report)
    return page("html/smoke.html.j2", {"title": told["title"], "smoke": told})


def evaluate_page(compared: Sequence[Compared], tables: Mapping[str, Sequence[Summary]], file: str) -> str:
    """Measurements against predictions, in the same style."""
    return page("html/evaluate.html.j2", evaluate_sheet(compared, tables, file))


def page(template: str, sections: dict[str, Any]) -> str:
    """A page of a template from plain text; drawings come as `Markup`."""
    return FIRST_LINE + pages().get_template(template).render(cleaned(sections))


@functools.cache
def pages() -> Environment:
    """The environment of all templates, which here escapes every value by itself."""
    return environment().overlay(autoescape=True)


def cleaned(found: Any) -> Any:
    """The same without characters that nobody sees, which could turn a line around; drawings are our own."""
    if isinstance(found, str):
        return found if isinstance(found, Markup) else UNSEEN.sub(_seen, found)
    if isinstance(found, dict):
        return {key: cleaned(below) for key, below in found.items()}
    if isinstance(found, list | tuple):
        made = [cleaned(below) for below in found]
        return type(found)._make(made) if hasattr(found, "_make") else made
    return found


def _seen(match: Any) -> str:
    return match[0] if match[0] == "\n" else " "

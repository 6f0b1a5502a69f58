"""Whole pages: the question beside its answer, a run that is watched, an entry that is explained."""

from __future__ import annotations

from collections.abc import Mapping

from advisor import __version__
from advisor.catalog import engines_told
from advisor.page.form import form
from advisor.page.html import Html, Inside, el, every
from advisor.page.question import WHOLE, Asked
from advisor.page.runs import Run
from advisor.page.runs_shown import shown
from advisor.page.shown import said
from advisor.pipeline import Answer
from advisor.schema import Hardware

# No style or script in the page's own text, and none made of text: what the policy in guard.py allows.
_HTMX = '{"includeIndicatorStyles": false, "allowEval": false, "historyCacheSize": 0, "selfRequestsOnly": true}'


def page(base: str, asked: Asked, answer: Answer | None, machine: Hardware, inside: Html, *, whole: bool = True) -> str:
    """The question, its answer, the place where a run is watched.

    Args:
        base: the path of the page with its token, from which every link starts.
        answer: None: the question was refused, and `inside` says why.
        whole: nothing is left out that a script would ask for; otherwise the page loads itself whole without scripts.
    """
    right = (el("div", inside, id="answer"), el("div", id="watched"), said(""))
    further = f"0;url={base}{asked.address()}&{WHOLE}=1"
    again = None if whole else el("noscript", el("meta", http_equiv="refresh", content=further))
    return _document(base, el("main", el("div", form(asked, answer, machine), class_="left"), el("div", right)), again)


def watched(base: str, run: Run) -> str:
    """A run on a page of its own, for a browser without scripts: it loads itself again until the run has ended."""
    back = el("p", el("a", "Back to the plan", href=f"?{run.question}"))
    again = el("noscript", el("meta", http_equiv="refresh", content="2")) if run.code is None else None
    return _document(base, el("main", back, shown(run), class_="alone"), again)


def sized(base: str, asked: Asked, inside: Html) -> str:
    """Machines for a question, and the way back to it."""
    back = el("p", el("a", "Back to the plan", href=asked.address()))
    return _document(base, el("main", back, inside, class_="alone"))


def plain(base: str, entry: Mapping[str, object]) -> str:
    """An entry of `advisor explain`."""
    told = [el("div", el("dt", key), el("dd", item)) for key, item in entry.items()]
    return _document(base, el("main", el("dl", told), class_="alone"))


def refused(base: str, inside: Html) -> str:
    """Why nothing came of it."""
    return _document(base, el("main", inside, el("p", el("a", "Back", href="./")), class_="alone"))


def _document(base: str, main: Html, head: Inside = None) -> str:
    heads = (
        el("meta", charset="utf-8"),
        el("base", href=base),
        el("title", f"advisor: {engines_told('or')}"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="htmx-config", content=_HTMX),
        el("link", rel="stylesheet", href="static/page.css"),
        el("link", rel="icon", href="static/icon.svg"),
        el("script", src="static/htmx.min.js", defer=True),
        el("script", src="static/page.js", defer=True),
        head,
    )
    top = el("header", el("h1", el("a", "advisor", href="./")), el("p", f"{engines_told('or')}, with which settings"))
    foot = el("footer", f"advisor {__version__} · answers on this machine only ", el("span", id="took"))
    return "<!doctype html>\n" + el("html", el("head", heads), el("body", every(top, main, foot)), lang="en")

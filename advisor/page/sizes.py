"""Which machines would carry the question: the ways of `advisor size` with both of its charts, as a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from advisor.page import document
from advisor.page.html import Html, el, table
from advisor.page.question import read
from advisor.report.pareto import Scatter, scatter_svg, scatters
from advisor.report.size_screen import answered, assumed, headline, machines, no_rows, other_rows, rows_of
from advisor.report.sized import SizeAnswer

Sizer = Callable[[Mapping[str, Any]], SizeAnswer]  # the options of `advisor size`, by name
_ELSEWHERE = ("gpu", "nodes")  # which machine, and how many, is what is asked here


class Sizes:
    """The address that answers; what finds the machines is handed in."""

    def __init__(self, base: str, size: Sizer) -> None:
        self._base, self._size = base, size

    def open(self, request: Request, _body: bytes) -> Response:
        """The answer to the question that the address holds."""
        asked = read(request.url.query)
        given = {name: item for name, item in asked.overrides.items() if name not in _ELSEWHERE}
        answer = self._size({**given, "profile": asked.profile})
        return HTMLResponse(document.sized(self._base, asked, inside(answer)))


def inside(answer: SizeAnswer) -> Html:
    """Each way with its figures, both charts, and what was assumed."""
    parts = (_charts(answer), list(_ways(answer)), list(_more(answer)), el("p", assumed(answer)))
    return el("section", el("h2", headline(answer)), *parts)


def _more(answer: SizeAnswer) -> Iterator[Html]:
    """Why not, where nothing does; and cards that were named."""
    for name, rows in (("Why not", no_rows(answer)), ("Named, and none of these", other_rows(answer))):
        if rows:
            yield el("section", el("h3", name), table(("what", "figure"), rows, name))


def _ways(answer: SizeAnswer) -> Iterator[Html]:
    for number, option in enumerate(answer.options, 1):
        name = f"{number}. {machines(option)}: {answered(option)}"
        yield el("section", el("h3", name), table(("what", "figure"), rows_of(option, answer), name))


def _charts(answer: SizeAnswer) -> Html:
    return el("div", [_figure(chart) for chart in scatters(answer)], class_="charts")


def _figure(chart: Scatter) -> Html:
    """The drawing is markup of our own, whose texts are escaped where it is made; its dots stand in words below it."""
    dots = [(dot.number or "-", dot.told) for dot in sorted(chart.dots, key=lambda dot: (not dot.number, dot.number))]
    words = el("details", el("summary", "As a table"), table(("way", "where it lies"), dots, chart.title))
    caption = el("figcaption", f"{chart.title} ({chart.better} is better)")
    return el("figure", caption, Html(scatter_svg(chart)), words, class_="figure")

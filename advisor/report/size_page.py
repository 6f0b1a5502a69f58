"""`size --report`: the answer as a page, with both charts."""

from __future__ import annotations

from markupsafe import Markup

from advisor.report.html import page
from advisor.report.pareto import scatter_svg, scatters
from advisor.report.size_screen import answered, assumed, headline, machines, no_rows, other_rows, peaks, rows_of
from advisor.report.sized import SizeAnswer


def size_page(answer: SizeAnswer) -> str:
    """One file: the ways with their costs, cost against wait, throughput a card against speed a person."""
    ways = [(machines(option), answered(option), rows_of(option, answer)) for option in answer.options]
    charts = [
        (f"{chart.title} ({chart.better} is better)", Markup(scatter_svg(chart)))  # noqa: S704 - every text is escaped
        for chart in scatters(answer)
    ]
    base = peaks(answer.overflow, answer) if answer.overflow else ""
    more = [("Why not", no_rows(answer)), ("Named, and none of these", other_rows(answer))]
    told = {
        "more": [(name, rows) for name, rows in more if rows],
        "ways": ways,
        "charts": charts,
        "base": base,
        "assumed": assumed(answer),
    }
    return page("html/size.html.j2", {"title": headline(answer), "size": told})

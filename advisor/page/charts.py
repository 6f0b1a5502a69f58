"""Both charts over the load, each with its numbers as a table and as CSV."""

from __future__ import annotations

import csv
import io

from advisor.page.html import Html, el, table
from advisor.page.question import Asked
from advisor.pipeline import Answer
from advisor.report.chart import Chart, legend
from advisor.report.chart import charts as charts_of
from advisor.report.chart import table as numbers
from advisor.report.svg import chart_svg

NAMES = ("rate", "wait")


def charts(asked: Asked, answer: Answer) -> Html | None:
    """Both, side by side where there is room; nothing where no speed is known."""
    found = charts_of(answer)
    return el("div", [_figure(chart, asked) for chart in found], class_="charts") if found else None


def _figure(chart: Chart, asked: Asked) -> Html:
    """The drawing is markup of our own, whose texts are escaped where it is made."""
    file = f"{chart.name}.csv"
    return el(
        "figure",
        el("figcaption", chart.title),
        Html(chart_svg(chart)),
        el("p", legend(chart), class_="quiet") if legend(chart) else None,
        el("details", el("summary", "As a table"), table(*numbers(chart), chart.title)),
        el("p", el("a", "As CSV", href=f"{file}?{asked.alone()}", download=file)),
        class_="figure",
    )


def as_csv(name: str, answer: Answer) -> str:
    """The numbers of a chart: a line a load, expected with both ends of its range for each line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for chart in charts_of(answer):
        if chart.name == name:
            writer.writerows(_rows(chart))
    return text.getvalue()


def _rows(chart: Chart) -> list[list[str]]:
    unit = chart.unit.replace("/", "_per_")
    titles = [f"{line.title} {end}{unit}" for line in chart.lines for end in ("", "low ", "high ")]
    points = [{point.load: point for point in line.points} for line in chart.lines]
    rows = [["in_flight", *(title.replace(" ", "_").lower() for title in titles)]]
    for load in sorted({load for each in points for load in each}):
        found = [each.get(load) for each in points]
        cells = [f"{x:.5g}" if p else "" for p in found for x in ((p.expected, p.low, p.high) if p else (0, 0, 0))]
        rows.append([f"{load:g}", *cells])
    return rows

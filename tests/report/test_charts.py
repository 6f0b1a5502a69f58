"""Both charts of an answer: one description, drawn as characters and as SVG."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest

from advisor.report.axes import Scale, load_ticks, ticks
from advisor.report.chart import Chart, Line, Point, charts, rate_chart, table, wait_chart
from advisor.report.svg import chart_svg, described
from advisor.report.text_chart import text_chart
from tests.report.answers import CASES, answer

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: Chart) -> ElementTree.Element:
    """The SVG, parsed as strictly as XML is."""
    return ElementTree.fromstring(chart_svg(chart).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314


@pytest.mark.parametrize("case", CASES)
def test_every_drawing_is_well_formed_and_says_what_it_shows(case: str) -> None:
    """Title and description stand first, and no coordinate is missing or no number."""
    for chart in charts(answer(case)):
        root = drawn(chart)
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        assert root[1].text == described(chart)
        assert "nan" not in chart_svg(chart) and "inf" not in chart_svg(chart).replace("in flight", "")


@pytest.mark.parametrize("case", CASES)
def test_nothing_lies_outside_of_the_drawing(case: str) -> None:
    """Every line, range and mark lies inside of the view box."""
    for chart in charts(answer(case)):
        root = drawn(chart)
        _, _, wide, high = map(float, root.attrib["viewBox"].split())
        paths = [each.attrib["points"] for each in root.iter() if "points" in each.attrib]
        dots = [f"{each.attrib['cx']},{each.attrib['cy']}" for each in root.iter(f"{SVG}circle")]
        for word in " ".join([*paths, *dots]).split():
            x, y = map(float, word.split(","))
            assert 0 <= x <= wide and 0 <= y <= high


@pytest.mark.parametrize("case", CASES)
def test_the_table_holds_every_figure_of_the_lines(case: str) -> None:
    """A row a load, a column a line, and as many cells in each row."""
    for chart in charts(answer(case)):
        heads, rows = table(chart)
        assert len(heads) == len(chart.lines) + 1
        assert all(len(row) == len(heads) for row in rows)
        assert sum(cell != "-" for row in rows for cell in row[1:]) == sum(len(line.points) for line in chart.lines)


def test_the_wait_shows_its_target_and_the_rate_the_crossover() -> None:
    """The target line stands among the waits, in seconds; where the engines cross, among the rates."""
    found = answer("yes")
    rate, wait = rate_chart(found), wait_chart(found)
    assert rate is not None and wait is not None and found.workload.ttft_ms is not None
    assert wait.target == found.workload.ttft_ms / 1000
    assert rate.crossover == found.verdict.crossover_in_flight
    assert f"target {wait.target:g} s" in chart_svg(wait)


def test_the_winner_is_drawn_in_front() -> None:
    """Its line comes last, and so does its colour."""
    for case in ("yes", "no", "running"):
        for chart in charts(answer(case)):
            assert chart.lines[-1].engine == answer(case).verdict.engine


@pytest.mark.parametrize("case", CASES)
def test_the_names_of_the_lines_lie_within_the_drawing(case: str) -> None:
    """However long a wait takes to tell: what stands behind a line's end is not cut off."""
    for chart in charts(answer(case)):
        root = drawn(chart)
        wide = float(root.attrib["viewBox"].split()[2])
        bold = [text for text in root.iter(f"{SVG}text") if text.get("font-weight")]
        assert bold
        for text in bold:
            assert float(text.attrib["x"]) + 7 * len(text.text or "") <= wide, text.text


def test_nothing_that_runs_is_no_chart() -> None:
    """Where no engine starts, there is nothing to draw."""
    assert charts(answer("impossible")) == ()


@pytest.mark.parametrize("name", ["</svg><script>alert(1)</script>", "a & b <i>", '" onload="x'])
def test_names_are_text(name: str) -> None:
    """What a stranger calls an engine or a chart is never markup."""
    point = Point(load=1, low=1, expected=2, high=3)
    line = Line(engine="x", title=name, place=0, points=(point, Point(load=4, low=2, expected=3, high=9)))
    root = drawn(Chart(name="rate", title=name, unit=name, lines=(line,), planned=2, target=2.5))
    known = {"svg", "title", "desc", "line", "text", "polygon", "polyline", "g", "circle", "path"}
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= known
    assert not any(key.startswith("on") for each in root.iter() for key in each.attrib)
    assert root[0].text == name


@pytest.mark.parametrize(("low", "high"), [(0.004, 0.3), (1, 1.5), (0.05, 90), (3, 90_000), (1e-3, 1e7)])
@pytest.mark.parametrize("unit", ["s", "tokens/s"])
def test_ticks_are_apart_and_on_the_axis(low: float, high: float, unit: str) -> None:
    """Whatever the axis spans, ticks lie within it and none runs into another."""
    point = Point(load=1, low=low, expected=low, high=high)
    chart = Chart(
        name="rate", title="", unit=unit, lines=(Line(engine="x", title="x", place=0, points=(point,)),), planned=1
    )
    scale = Scale(low, high)
    found = sorted(ticks(chart, scale, lambda number: scale.share(number) * 200, 20))
    places = [scale.share(number) * 200 for number in found]
    assert all(low <= number <= high for number in found)
    assert all(two - one >= 20 for one, two in itertools.pairwise(places))


@pytest.mark.parametrize("most", [1.5, 2, 128, 4096])
def test_loads_do_not_run_into_one_another(most: float) -> None:
    """The numbers below the axis leave a blank between them."""
    scale = Scale(1, most)
    found = [(round(scale.share(load) * 60), str(load)) for load in load_ticks(scale, lambda x: scale.share(x) * 60, 1)]
    assert found and all(one + len(text) < two for (one, text), (two, _) in itertools.pairwise(found))


def test_both_charts_are_drawn_as_characters_too() -> None:
    """Title, ten rows, axis, loads and marks, within the width."""
    for chart in charts(answer("yes")):
        lines = list(text_chart(chart, 80, 10, unicode=True))
        assert len(lines) in (14, 15)
        assert all(line.cell_len <= 80 for line in lines)

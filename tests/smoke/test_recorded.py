"""The report in .github/SMOKE.md is a real one: recorded by `advisor smoke`, rendered by today's code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from advisor.smoke.outcome import SmokeReport
from advisor.smoke.report import markdown
from advisor.wire import from_data

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded" / "report.json"
BLOCK = re.compile(r"<!-- report: tests/smoke/recorded/report.json -->\n(.*?)<!-- end of report -->\n", re.DOTALL)


def recorded() -> SmokeReport:
    """What `advisor smoke` wrote to smoke/report.json; what it spells out beside the values is computed again."""
    data = json.loads(RECORDED.read_text())
    data.pop("passed")
    for row in data["comparisons"]:
        row.pop("ratio")
    return from_data(SmokeReport, data, where=str(RECORDED))


def test_the_page_shows_the_recorded_report() -> None:
    """The page's block is the recorded report as the program writes it today, its headings one level down."""
    shown = BLOCK.search((ROOT / ".github" / "SMOKE.md").read_text())
    assert shown is not None
    assert shown[1] == re.sub(r"^#", "##", markdown(recorded()), flags=re.MULTILINE)


def test_the_recorded_run_passed_with_a_real_engine() -> None:
    """It passed, every load was carried out without errors, and each has a prediction beside it."""
    report = recorded()
    assert report.passed and report.engine_version and report.effective is not None
    assert report.loads and all(load.completed == load.requests and not load.errors for load in report.loads)
    compared = {row.in_flight for row in report.comparisons if row.figure == "output rate"}
    assert compared == {round(load.in_flight) for load in report.loads}

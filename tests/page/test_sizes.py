"""The machines for a question on the page: the ways, figures and charts that `advisor size` gives."""

from __future__ import annotations

import re
from html import unescape

import pytest
from starlette.testclient import TestClient

from advisor.commands.size_tool import sized
from advisor.page.app import app
from advisor.report.pareto import scatters
from advisor.report.size_screen import headline, machines
from tests.page.asking import QWEN, TOKEN, at

ASKED = {"users": "20", "model": QWEN}


@pytest.fixture(scope="module")
def page() -> TestClient:
    """A page that can find machines."""
    made = TestClient(app(TOKEN, 80, size=sized), base_url="http://127.0.0.1", follow_redirects=False)
    made.headers["user-agent"] = "test"
    return made


def test_the_page_shows_what_the_command_finds(page: TestClient) -> None:
    """Headline, each way and both charts are those of the same answer; every dot stands in words too."""
    text, answer = page.get(at("size", **ASKED)).text, sized(ASKED)
    plain = unescape(text)
    assert headline(answer) in plain and answer.options
    assert all(f"{number}. {machines(option)}" in plain for number, option in enumerate(answer.options, 1))
    charts = scatters(answer)
    assert text.count('<svg class="chart"') == len(charts) == 2
    assert all(dot.told in plain for chart in charts for dot in chart.dots)
    assert not re.search(r"<style|<script>| style=| on[a-z]+=", text)  # what the policy would not let work
    assert f"?{at('', **ASKED).partition('?')[2]}" in plain


def test_which_machine_is_not_part_of_the_question(page: TestClient) -> None:
    """Cards that were named for the plan bound nothing here: the answer is the same one."""
    named = {**ASKED, "gpu": "2x RTX 4090"}
    found = [re.findall(r"<h[23]>.*?</h[23]>", page.get(at("size", **asked)).text) for asked in (ASKED, named)]
    assert found[0] == found[1]


@pytest.mark.parametrize("asked", [{"users": "0"}, {"model": "nobody/knows-this"}, {"colour": "red"}, {"users": "x"}])
def test_what_cannot_be_asked_is_refused(page: TestClient, asked: dict[str, str]) -> None:
    """In words, with the status of a bad question."""
    answer = page.get(at("size", **{**ASKED, **asked}))
    assert answer.status_code == 400 and next(iter(asked)) in answer.text


def test_the_plan_leads_there(page: TestClient) -> None:
    """Beside a plan stands the link, with its question."""
    found = re.search(r'href="(size\?[^"]*)"', page.get(at(**ASKED, whole="1")).text)
    assert found is not None and "users=20" in found[1]

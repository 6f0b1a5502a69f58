"""A real Chromium drives the page: handles, remedies, pins, a run, narrow and wide, with scripts and without."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.page.asking import NO, YES
from tests.page.conftest import PHONE, WAIT_MS, WIDE, Open
from tests.required import absent

pytestmark = pytest.mark.engine


def verdict(page: Page) -> str:
    """The sentence at the top."""
    return page.locator(".verdict h2").inner_text()


def settled(page: Page) -> None:
    """Until the rest has come."""
    page.wait_for_selector("#rest:not([hx-get]) h3")


def test_people_turn_the_verdict_while_one_drags(opened: Open) -> None:
    """From 1 to 50 people Ollama becomes vLLM, with its reasons; the address becomes the question."""
    page = opened(**{**YES, "users": "1"})
    assert "Ollama serves one person" in verdict(page)
    slider = page.get_by_label("People, as a slider")
    slider.focus()
    for _ in range(5):  # ten people at a time
        slider.press("PageUp")
    expect(page.locator("#users")).to_have_value("51")
    slider.press("ArrowLeft")
    expect(page.locator(".verdict h2")).to_contain_text("vLLM serves 50 users", timeout=WAIT_MS)
    settled(page)
    assert "users=50" in page.url and "SVC312" in page.locator("#rest").inner_text()
    assert re.fullmatch(r"answered in \d+ ms", page.locator("#took").inner_text())
    page.reload()
    assert "vLLM serves 50 users" in verdict(page)


def test_a_late_answer_does_not_name_the_address(opened: Open) -> None:
    """What comes of an older question after a newer one was answered changes nothing, and neither does the address."""
    page = opened(**{**YES, "users": "1"})
    held: list[Route] = []
    page.route("**/rest?*", lambda route: held.append(route) if "users=11" in route.request.url else route.continue_())
    slider = page.get_by_label("People, as a slider")
    slider.focus()
    with page.expect_request(lambda request: "rest?" in request.url and "users=11" in request.url):
        slider.press("PageUp")
    slider.press("PageUp")
    expect(page.locator(".verdict h2")).to_contain_text("21 users", timeout=WAIT_MS)
    settled(page)
    with page.expect_response(lambda response: "rest?" in response.url and "users=11" in response.url):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert "users=21" in page.url and "21 users" in verdict(page)


def test_a_card_is_swapped_by_keyboard(opened: Open) -> None:
    """Typed into its field, the other card is answered for."""
    page = opened(**YES)
    page.get_by_label("Cards").fill("RTX 3090")
    page.keyboard.press("Tab")
    expect(page.locator(".verdict h2")).to_contain_text("RTX 3090", timeout=WAIT_MS)


def test_one_click_applies_a_remedy(opened: Open) -> None:
    """A no names its remedies; the first of them is a yes."""
    page = opened(**NO)
    assert verdict(page).startswith("No:")
    page.locator("a.apply").first.click()
    expect(page.locator(".verdict h2")).to_contain_text("Yes:", timeout=WAIT_MS)


def test_four_plans_are_pinned(opened: Open) -> None:
    """They stand side by side, each with its load."""
    page = opened(**YES)
    for users in (50, 1, 100, 200):
        page.locator("#users").fill(str(users))
        expect(page.locator(".verdict h2")).to_contain_text("one person" if users == 1 else f"{users} users")
        page.wait_for_url(re.compile(f"users={users}&"))
        page.get_by_role("link", name="Pin this plan").click()
        settled(page)
    table = page.get_by_role("region", name="Pinned plans side by side")
    assert table.locator("thead th").count() == 5
    assert "is pinned" in page.locator("#rest").inner_text()


def test_the_folder_is_downloaded(opened: Open, tmp_path: Path) -> None:
    """A zip with the plan in it."""
    page = opened(**YES)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the folder").click()
    download.value.save_as(tmp_path / "deploy.zip")
    shutil.unpack_archive(tmp_path / "deploy.zip", tmp_path)
    assert (tmp_path / "deploy" / "plan.json").is_file()


def test_the_checklist_runs_live(opened: Open) -> None:
    """Started by a button, watched, and told line by line."""
    page = opened(**YES)
    page.get_by_role("button", name="Run the checklist").click()
    expect(page.locator("#watched h3")).to_contain_text("running", timeout=WAIT_MS)
    expect(page.locator("#watched h3")).to_contain_text(re.compile("passed|failed"), timeout=WAIT_MS)
    assert page.get_by_role("region", name="Checklist").locator("tbody tr").count() > 10


def test_what_is_wrong_is_said_and_mended(opened: Open) -> None:
    """A card that there is not is refused with the nearest one; the next answer is there again."""
    page = opened(**YES)
    page.get_by_label("Cards").fill("RTX 4900")
    page.keyboard.press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("RTX 4900", timeout=WAIT_MS)
    page.get_by_label("Cards").fill("RTX 4090")
    page.keyboard.press("Tab")
    expect(page.locator(".verdict h2")).to_contain_text("RTX 4090", timeout=WAIT_MS)


def test_without_scripts_the_form_answers(opened: Open) -> None:
    """The page leads to the whole answer by itself, and its button to the next one."""
    page = opened(scripts=False, **YES)
    page.wait_for_url(re.compile("whole=1"))
    assert page.locator("svg.chart").count() == 2 and page.get_by_text("Download the folder").count() == 1
    page.locator("#users").fill("1")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator(".verdict h2")).to_contain_text("Ollama serves one person")
    assert page.locator("#users-slider").is_hidden()


@pytest.mark.parametrize("asked", [YES, NO], ids=["yes", "no"])
def test_a_phone_shows_handle_and_verdict_at_once(opened: Open, asked: dict[str, str]) -> None:
    """Nothing runs over its width, and the verdict stands on the first screen."""
    page = opened(size=PHONE, **asked)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    box = page.locator(".verdict h2").bounding_box()
    assert box and box["y"] < PHONE[1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("asked", [YES, NO], ids=["yes", "no"])
def test_axe_finds_nothing_serious(opened: Open, asked: dict[str, str], size: tuple[int, int], dark: bool) -> None:
    """Names, contrast, order, roles: what axe-core can judge."""
    page = opened(size=size, dark=dark, **asked)
    settled(page)
    assert not serious(page)


def test_machines_are_found_in_the_browser(opened: Open) -> None:
    """The link leads to both charts of the machines that would carry it, which fit a phone; and back to the plan."""
    page = opened(size=PHONE, dark=True, **YES)
    settled(page)
    page.get_by_role("link", name="Which machines would carry this").click()
    expect(page.locator("h2")).to_contain_text("YES", timeout=WAIT_MS)
    assert page.locator("svg").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert not serious(page)
    page.get_by_role("link", name="Back to the plan").click()
    expect(page.locator(".verdict h2")).to_contain_text("50 users", timeout=WAIT_MS)


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds in the page with everything opened that can be."""
    tools = os.environ.get("ADVISOR_TOOLS") or Path.home() / ".cache" / "advisor-tools"
    script = Path(tools, "axe.min.js")
    if not script.is_file():
        absent("axe-core is not here: tests/tools/page.sh")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.evaluate(script.read_text())
    found = page.evaluate("axe.run().then(found => found.violations)")
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]

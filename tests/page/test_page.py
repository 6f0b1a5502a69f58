"""What the page shows for a question, as a browser without scripts and one with them ask for it."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
import time
import zipfile
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from advisor.folder.saved import plan_in
from advisor.page.answers import Answers
from advisor.page.question import changed, read
from advisor.page.views import STATIC, Page
from advisor.pipeline import find_hardware
from tests.page.asking import NO, QWEN, SCRIPT, TOKEN, YES, at, client


@pytest.fixture(scope="module")
def page() -> TestClient:
    """One page for all of them: what was answered once is remembered."""
    return client()


def links(text: str, class_: str) -> list[str]:
    """Where the links of a class lead to."""
    return [unescape(found) for found in re.findall(rf'<a href="([^"]*)" class="{class_}"', text)]


def test_the_address_opens_the_whole_page(page: TestClient) -> None:
    """One GET gives form, verdict, both charts with table and CSV; no address in it leads away."""
    text = page.get(at(**YES)).text
    assert "Yes:" in text and "vLLM serves 50 users" in text
    assert text.count('<svg class="chart"') == 2 and text.count("As a table") == 2 and text.count("As CSV") == 2
    assert '<form id="question" method="get"' in text and 'name="users" type="number"' in text
    assert not re.search(r'(?:href|src|action)="(?:https?:)?//', text)
    assert not re.search(r"<style|<script>| style=| on[a-z]+=", text)  # what the policy would not let work


def test_no_id_stands_twice(page: TestClient) -> None:
    """What a script or a label points at is one thing, whatever the keys of a workload are named."""
    ids = re.findall(r' id="([^"]+)"', page.get(at(**YES, whole="1")).text)
    assert len(ids) == len(set(ids))


def test_people_turn_the_verdict(page: TestClient) -> None:
    """From one to fifty people the engine changes, and the page says why."""
    one, fifty = (page.get(at("rest", **{**YES, "users": users}), headers=SCRIPT).text for users in ("1", "50"))
    assert "of Ollama" in one and "of vLLM" in fifty
    assert "SVC312" in fifty or "SPD210" in fifty


def test_what_others_hold_of_a_card_is_not_free() -> None:
    """On a card that is half full the page accounts for it as the terminal and the report do."""
    half_full = find_hardware(None, Path(__file__).parents[1] / "hardware" / "rtx-4090-half-full.json")
    text = client(Page(TOKEN, Answers(lambda: half_full))).get(at("rest", model=QWEN), headers=SCRIPT).text
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td>([\d.]+) GiB', text))
    assert {"weights", "KV cache", "other", "held by others", "free"} <= set(rows)
    assert sum(map(float, rows.values())) == pytest.approx(24.0, abs=0.3)


def test_another_card_gives_another_answer(page: TestClient) -> None:
    """The same people and model on other cards."""
    small = page.get(at("answer", **{**YES, "gpu": "RTX 3060"}), headers=SCRIPT).text
    assert "RTX 3060" in small and "RTX 4090" not in small


def test_a_model_that_nobody_named_is_named_from_then_on(page: TestClient) -> None:
    """The form holds the model that was picked, so that moving the people asks about the same one."""
    text = page.get(at(users="5", gpu="RTX 4090")).text
    assert re.search(r'<input id="model" name="model" value="[^"]+/[^"]+"', text)


def test_a_no_shows_remedies_each_of_which_is_a_yes(page: TestClient) -> None:
    """Each remedy that can be typed is a link, and the question behind it is answered by yes."""
    text = page.get(at(**NO, whole="1")).text
    assert "No:" in text
    remedies = links(text, "apply")
    assert remedies
    for link in remedies[:2]:
        assert "Yes:" in page.get(at("answer") + link, headers=SCRIPT).text


def test_without_scripts_everything_comes_at_once(page: TestClient) -> None:
    """A browser without scripts is led to the page that leaves nothing out, and the form's own button leads there too."""
    text = page.get(at(**YES)).text
    assert 'content="0;url=' in text.partition("<noscript>")[2] and 'name="whole"' in text
    whole = page.get(at(**YES, whole="1")).text
    assert "users before it slips</p><strong>1" in whole and "Settings" in whole and "noscript" not in whole
    assert 'href="deploy.zip?' in whole and "Memory" in whole


@pytest.mark.parametrize(
    "asked",
    [{"users": "fifty"}, {"gpu": "RTX 4900"}, {"profile": "no-such"}, {"usres": "5"}, {"users": "0"}, {"model": "x" * 5000},
     {"ttft_ms": "soon"}, {"gpu": "<script>alert(1)</script>"}, {"model": '"><img src=x onerror=alert(1)>'}, {"pin": "users=x"}],
)  # fmt: skip
def test_what_cannot_be_used_is_said_on_the_page(page: TestClient, asked: dict[str, str]) -> None:
    """400 with the message and the form, in which what was typed stands; never as markup."""
    answer = page.get(at(**asked))
    assert answer.status_code == 400 and 'role="alert"' in answer.text and 'id="question"' in answer.text
    assert "<script>alert" not in answer.text and "<img" not in answer.text
    part = page.get(at("answer" if "pin" not in asked else "rest", **asked), headers=SCRIPT)
    assert part.status_code == 200 and 'role="alert"' in part.text and "<img" not in part.text


def test_a_link_is_a_question(page: TestClient) -> None:
    """The address that the page takes on gives the same question again, and holds nothing that was not said."""
    answer = page.get(at("rest", **YES, input_tokens="", quantization=""), headers=SCRIPT)
    named = re.search(r'id="rest" data-address="([^"]*)"', answer.text)
    assert named is not None
    where = urlsplit(unescape(named[1]))
    assert not where.path and parse_qs(where.query) == {key: [item] for key, item in YES.items()}


def test_four_plans_are_pinned_side_by_side(page: TestClient) -> None:
    """Each pin is a link; four stand side by side, there is no fifth, and one can be taken away."""
    where = at(**YES)
    for users in ("50", "1", "100", "200"):
        where = re.sub(r"users=\d+", f"users={users}", where, count=1)
        text = page.get(where.replace("/?", "/rest?"), headers=SCRIPT).text
        where = at() + links(text, "button")[0]
    text = page.get(where).text
    assert all(f"Plan {number}" in text for number in (1, 2, 3, 4))
    other = page.get(re.sub(r"users=\d+", "users=7", where, count=1).replace("/?", "/rest?"), headers=SCRIPT).text
    assert "unpin one" in other and "Pin this plan" not in other
    assert len(read(urlsplit(where).query).pins) == 4
    fifth = page.get(where + "&pin=users%3D9")
    assert fifth.status_code == 400 and "room for 4" in fifth.text


def test_the_folder_comes_as_a_zip(page: TestClient, tmp_path: Path) -> None:
    """What is downloaded is a deployment folder that the other commands read, and its scripts may be run."""
    answer = page.get(at("deploy.zip", **YES))
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    archive.extractall(tmp_path)
    assert plan_in(tmp_path / "deploy").engine == "vllm"
    modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert {mode for name, mode in modes.items() if name.endswith(".sh")} == {0o755} and modes[
        "deploy/plan.json"
    ] == 0o644
    assert all(name.startswith("deploy/") and ".." not in name for name in modes)
    assert page.get(at("deploy.zip", **YES)).content == answer.content


@pytest.mark.parametrize("name", ["rate", "wait"])
def test_each_chart_has_its_numbers_as_csv(page: TestClient, name: str) -> None:
    """A line a load, each figure between the ends of its range."""
    rows = list(csv.DictReader(io.StringIO(page.get(at(f"{name}.csv", **YES)).text)))
    assert [row["in_flight"] for row in rows][:3] == ["1", "2", "4"]
    figure = next(column for column in rows[0] if column.startswith("vllm"))
    engine, unit = figure.split("_", 1)
    low, high = f"{engine}_low_{unit}", f"{engine}_high_{unit}"
    assert all(float(row[low]) <= float(row[figure]) <= float(row[high]) for row in rows)
    assert page.get(at("other.csv", **YES)).status_code == 404


def test_another_profile_brings_its_lengths(page: TestClient) -> None:
    """The fields that nobody filled in say what counts then."""
    text = page.get(at("answer", **YES, profile="rag"), headers=SCRIPT | {"HX-Trigger-Name": "profile"}).text
    assert re.search(r'id="field-input_tokens"[^>]*hx-swap-oob="true"', text) and 'placeholder="6000"' in text


def test_the_machine_is_looked_at_again_by_post(page: TestClient) -> None:
    """And the question stays."""
    answer = page.post(at("probe"), data=YES)
    assert answer.status_code == 303 and parse_qs(urlsplit(answer.headers["location"]).query)["users"] == ["50"]


def test_every_file_of_the_page_is_its_own(page: TestClient) -> None:
    """Scripts, styles and icon come from here, name no other address that is fetched, and nothing else is served."""
    for name in STATIC:
        answer = page.get(at(f"static/{name}"))
        assert answer.status_code == 200 and len(answer.content) > 100
    assert b"url(" not in page.get(at("static/page.css")).content
    assert b"Storage" not in page.get(at("static/page.js")).content
    assert page.get(at("static/..%2fhtml.py")).status_code == 404


def test_an_entry_is_explained(page: TestClient) -> None:
    """The rules of the answer lead to what stands behind them."""
    assert "why" in page.get(at("explain", id="SPD210")).text
    assert page.get(at("explain", id="<b>")).status_code == 400


@pytest.mark.nightly
def test_dragging_is_answered_quickly(page: TestClient) -> None:
    """People moved from 1 to 200: the median answer takes the processor less than 100 ms; the server says how long."""
    took = []
    for users in range(1, 200, 5):
        began = time.process_time()  # what other programs take meanwhile is not counted
        told = page.get(at("answer", **{**YES, "users": str(users)}), headers=SCRIPT).headers["server-timing"]
        took.append(1000 * (time.process_time() - began))
        assert float(told.partition("dur=")[2]) > 0
    assert statistics.median(took) < 100, took


def test_dragging_leaves_out_what_takes_longest(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither how much load is carried nor what would make it a yes is worked out while somebody drags."""
    import advisor.decide
    import advisor.search.nearest

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(advisor.decide, "capacity", never)
    monkeypatch.setattr(advisor.search.nearest, "nearest_yes", never)
    for asked in (YES | {"users": "61"}, NO | {"users": "81"}):
        assert "in flight" in page.get(at("answer", **asked), headers=SCRIPT).text


@pytest.mark.parametrize(
    ("change", "typed"),
    [
        ('--gpu "4x L40S" --users 47', {"gpu": "4x L40S", "users": "47"}), ("--allow-offload", {"allow_offload": "yes"}),
        ("--no-production", {"production": "no"}), ("--with bge-m3 (2.6 GiB)", {"beside": "bge-m3"}),
        ("stop the program that holds GPU 0", None), ("--users", None), ("--no-such 3", None), ('--gpu "open', None),
        ("--users 5, and update the driver", None), ("", None),
    ],
)  # fmt: skip
def test_a_remedy_is_a_change_of_the_question(change: str, typed: dict[str, str] | None) -> None:
    """What can be typed becomes a link; what is done at the machine, or in part so, does not."""
    other = changed(read("users=9"), change)
    assert (None if other is None else dict(other.typed)) == (None if typed is None else {"users": "9"} | typed)


def test_what_is_typed_comes_back_as_the_command(page: TestClient) -> None:
    """The command under the answer gives it again in a terminal, whatever was typed."""
    asked = read("gpu=2x+RTX+4090&users=3&production=no&model=a%27b")
    assert asked.command() == "advisor recommend --gpu '2x RTX 4090' --users 3 --model 'a'\"'\"'b' --no-production"
    assert json.dumps(QWEN)[1:-1] in page.get(at("rest", **YES), headers=SCRIPT).text


def test_the_page_of_vectors_shows_no_cache_and_no_words(page: TestClient) -> None:
    """An encoder has no KV cache to draw; what its remedies give is told of texts."""
    asked = {"gpu": "T4", "profile": "embedding", "model": "BAAI/bge-m3"}
    yes, no = (page.get(at("rest", **asked, users=users), headers=SCRIPT).text for users in ("16", "900"))
    assert '<th scope="row">weights' in yes and "KV cache</th>" not in yes
    assert "a text takes" in no and "tokens/s each" not in no


def test_the_thin_line_of_a_chart_is_named(page: TestClient) -> None:
    """What the engine gives as it is installed is told under the chart that draws it."""
    assert "Thin dots: Ollama out of the box." in page.get(at(**YES)).text

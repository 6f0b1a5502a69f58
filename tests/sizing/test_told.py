"""What a buyer reads: no figure beside another that belongs to a different plan, nothing passed over in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from advisor.commands.comparing import compared
from advisor.commands.heard import any_load, beside_the_load
from advisor.commands.size_tool import sized as answered
from advisor.commands.sizing import here, typed
from advisor.decide.capacity import carries
from advisor.probe.simulate import simulate
from advisor.report.compared import compare_lines
from advisor.report.instead import Figures, in_words
from advisor.report.size_page import size_page
from advisor.report.size_screen import assumed, no_rows, other_rows
from advisor.report.sized import SizeAnswer, size_document
from advisor.rules import rules
from advisor.schema import Question
from advisor.search.choose import best_by_size
from advisor.search.more import more_of_the_same
from advisor.search.step import asking, is_yes
from advisor.sizing.capacity import served
from advisor.sizing.load import scale_of
from advisor.sizing.option import options_of
from advisor.sizing.search import sized
from advisor.sizing.supply import Limits, supplies
from tests.sizing.asked import SEVEN, ask, few, terms
from tests.test_cli import run

LOAD = ("--model", SEVEN, "--offline", "--measurements", "none")


@pytest.mark.parametrize("users", [5, 30, 120])
def test_what_carries_the_most_is_named_and_it_is_that_which_breaks(users: int) -> None:
    """The last load is carried by the way that is named for it, and no more by it: what stops it there is its own."""
    found = options_of(sized(ask(users=users), few(), Limits(), terms()), terms())
    for option in found:
        assert option.most is not None and option.last is not None
        scale = scale_of(option.way.question.workload)
        assert carries((option.last,), scale.asked(option.way.question, option.most))
        assert not carries((option.last,), scale.asked(option.way.question, option.most + 1))


@pytest.mark.parametrize("users", [5, 30, 120, 400])
def test_the_most_head_room_is_that_of_the_one_that_carries_the_most(users: int) -> None:
    """Nothing that is named carries more than what is named for its head-room."""
    found = options_of(
        sized(ask(users=users), supplies("RTX 5070, RTX 5060 Ti 8GB, L4", None), Limits(), terms()), terms()
    )
    most = {option.kinds: option.most or 0 for option in found}
    roomiest = [number for kinds, number in most.items() if "headroom" in kinds]
    assert roomiest == [max(most.values())]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"users": 20, "concurrency": 50}, ["--users 20"]),
        ({"staff": 200, "active_fraction": 0.1, "request_rate": 2.5}, ["--staff 200", "--active-fraction 0.1"]),
        ({"think_time_s": 5, "concurrency": 3}, ["--think-time-s 5"]),
        ({"think_time_s": 5, "request_rate": 3}, []),
        ({"users": 20, "think_time_s": 5}, []),
        ({"concurrency": 5, "users": None}, []),
    ],
)
def test_people_beside_a_load_are_not_passed_over_in_silence(given: dict[str, float], said: list[str]) -> None:
    """Whoever types both is told which one counts; whoever types one is told nothing."""
    told = list(beside_the_load(given))
    assert len(told) == len(said) and all(
        line.startswith(f"{word} is set aside") for line, word in zip(told, said, strict=True)
    )


@pytest.mark.parametrize(
    "command", [("recommend", "--gpu", "L4", "--dry-run"), ("size", "--can-get", "L4"), ("compare", "L4", "RTX 4090")]
)
def test_every_command_that_takes_both_says_so(command: tuple[str, ...], tmp_path: Path) -> None:
    """On standard error, beside one JSON document on standard output."""
    done = run(*command, "--users", "4", "--concurrency", "2", *LOAD, "--json", cwd=tmp_path)
    assert "--users 4 is set aside: --concurrency 2" in done.stderr
    assert json.loads(done.stdout)["schema_version"] == 1


def test_capacity_says_that_it_finds_the_load_itself() -> None:
    """A number of people is no part of the question how many there may be."""
    assert len(list(any_load({"users": 5, "concurrency": 3}))) == 2 and not list(any_load({"tpot_ms": 50}))


@pytest.mark.parametrize("card", ["RTX 4090", "2x RTX 3090"])
def test_capacity_asks_about_several_as_recommend_does_about_any_of_them(card: str) -> None:
    """The most users are a yes when asked for, one more a no, with the profile that recommend takes for so many."""
    question, because = here(None, {"model": SEVEN, "offline": True, "engine": "ollama"}, card, None, "none")
    assert question.workload.profile == "chat" and because == ""
    (each,) = served(question)
    assert each.users is not None
    assert is_yes(asking(question, users=each.users)) and not is_yes(asking(question, users=each.users + 1))


def test_capacity_says_which_model_it_took() -> None:
    """Where none is named the one that was taken is said, with why."""
    question, because = here(None, {"offline": True}, "RTX 4090", None, "none")
    assert question.model.hf_id in because and "no model was named" in because


@pytest.mark.parametrize("card", ["RTX 4060 Laptop", "DGX Spark"])
def test_nobody_is_told_to_add_a_card_where_none_goes_in(card: str) -> None:
    """A laptop takes no second card, and a chip with its memory is alone: not in a change, not in a size."""
    question = replace(ask(model="meta-llama/Llama-3.1-8B-Instruct", users=500), hardware=simulate(card))
    assert not list(more_of_the_same(question))
    assert not any("2x" in change.change for each in served(question) for change in each.changes)
    (supply,) = supplies(card, None)
    assert Limits().host(supply) == 1


def test_no_change_of_one_engine_is_another_engine() -> None:
    """Where an engine serves nobody, what is offered keeps it; a pair is told only where no single change helps."""
    question = replace(ask(model="qwen3:30b"), hardware=simulate("Apple M4 Max (40-core GPU) 64GB"))
    changes = [change.change for each in served(question) for change in each.changes]
    assert changes and not any("--engine" in change for change in changes)


@pytest.mark.parametrize("task", ["chat", "rag", "code", "embed"])
def test_who_names_no_model_is_shown_some(task: str, tmp_path: Path) -> None:
    """The best scored of some sizes for the task, each named once."""
    best = best_by_size(task)
    assert best and len(set(best)) == len(best)
    done = run("size", "--users", "20", "--task", task, "--offline", cwd=tmp_path)
    assert done.returncode == 2 and all(name in done.stderr for name in best)


def sizing(**asked: Any) -> SizeAnswer:
    """The answer to options of `size`, by name."""
    return answered({"model": SEVEN, **asked})


def test_every_card_that_was_named_has_its_answer() -> None:
    """It is a way, or is told with what it would cost, or with what it misses; what nobody named is not told of."""
    asked = "RTX 5090, DGX Spark, RTX 3090, RX 7900 XTX"
    found = sizing(users=300, can_get=asked, model="Qwen/Qwen2.5-32B-Instruct", tpot_ms=40)
    ways = {option.way.fit.supply.spec.id for option in found.options}
    told = {other.supply.spec.id for other in found.others}
    assert not ways & told and len(ways | told) == 4 and told
    for other in found.others:
        assert (other.way is None) == bool(other.why)
        if other.way is not None and other.way.cost is not None:
            assert other.way.cost.per_month >= found.options[0].way.cost.per_month  # type: ignore[union-attr]
    assert sizing(users=30).others == ()


def test_what_is_asked_again_is_as_it_was_typed() -> None:
    """A whole number of milliseconds stays one, a fraction stays a fraction, a switch a switch."""
    given = {"ttft_ms": 1000.0, "request_rate": 2.5, "users": 15, "production": True, "offline": False, "host": None}
    told = typed("chat", given)
    assert "--ttft-ms 1000 " in told and "--request-rate 2.5" in told and "--users 15" in told
    assert "--production" in told and "--no-offline" in told and "--host" not in told


@pytest.mark.parametrize(("pay", "said"), [("new", True), ("rent", False)])
def test_a_machine_is_told_where_one_is_paid_for(pay: str, said: bool) -> None:
    """What is rented has its machine; what is bought stands in one, whose price and day are told once."""
    told = assumed(sizing(users=20, can_get="RTX 4090", pay=pay))
    assert ("a computer for 1 card 1,160 USD" in told) == said and ("launch price" in told) == said


def test_a_card_without_a_price_is_not_told_as_dearer() -> None:
    """It carries the load; what it costs nobody knows."""
    found = sizing(users=5, can_get="DGX Spark, RTX PRO 6000", model="openai/gpt-oss-120b")
    (row,) = other_rows(found)
    assert "no price of it is known" in row[1] and "at more" not in row[1]


def test_what_one_has_is_answered_for() -> None:
    """Owned cards that carry the load are told, be there something cheaper or not."""
    found = sizing(users=400, have="2x RTX 3090", kwh="0.40")
    shown = {each.supply.spec.id for each in found.others} | {each.way.fit.supply.spec.id for each in found.options}
    assert "nvidia-rtx-3090" in shown


@pytest.mark.parametrize(
    "asked", [{"can_get": "RTX 3090, L4", "budget": "3000EUR"}, {"can_get": "L4, RTX 4090", "users": 60}]
)
def test_the_page_tells_what_the_screen_does(asked: dict[str, Any]) -> None:
    """Why not, what would do, and the cards that were named stand on the page as on the terminal, and in the document."""
    found = sizing(**{"users": 300, "model": "Qwen/Qwen2.5-72B-Instruct", **asked})
    page = unescape(size_page(found))
    rows = [*no_rows(found), *other_rows(found)]
    assert rows and all(text in page for row in rows for text in row)
    data = size_document(found)
    assert len(data["others"]) == len(found.others)
    assert bool(data["nearest_yes"]) == bool(no_rows(found))


def test_a_figure_as_it_was_is_no_change() -> None:
    """What does not differ as it is shown is left out; a small part is told as one."""
    one = Figures(carries=20, unit="users", each=40.0, first_s=3.0, per_month=97.0)
    told = in_words(one, replace(one, first_s=0.186, carries=21), "USD")
    assert "a month" not in told and "tokens/s" not in told and "(a 16th)" in told and "carries 21" in told


def test_the_plan_of_a_column_carries_no_more_than_its_cards() -> None:
    """What another engine would carry on the same card is told as that, not as what the plan does."""
    both = compared(
        ("RTX 4090", "RTX 3060 12GB"), profile="chat", overrides={"model": SEVEN, "users": 20, "offline": True},
        gpu=None, hardware_file=None, measurements="none",
    )  # fmt: skip
    for each in both:
        whole = each.answer.verdict.capacity_users
        assert each.own is not None and whole is not None
        assert each.own.most <= whole and bool(each.own.other) == (each.own.most < whole)


def test_compare_says_what_its_costs_hold() -> None:
    """The machine around the cards is in the purchase, by hand; what the totals rest on stands below them, once."""
    asked = {"model": SEVEN, "users": 5, "offline": True}
    found = compared(
        ("RTX 4090", "DGX Spark"), profile="chat", overrides=asked, gpu=None, hardware_file=None, measurements="none"
    )
    console = Console(width=100, file=StringIO())
    for line in compare_lines(found, terms(), 100):
        console.print(line)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2,759 USD (machine 1,160)" in text and text.count("with the machine around the cards") == 1


@pytest.mark.parametrize("tpot", [40, 60, 100])
def test_a_missed_target_is_never_told_as_met(tpot: int) -> None:
    """The figure that misses reads as more than its target, also where both round to the same."""
    question: Question = replace(ask(tpot_ms=tpot), hardware=simulate("RTX 4090"))
    for each in served(question):
        assert f"{tpot} ms predicted" not in each.binds.replace(f"just over {tpot} ms predicted", "")
    assert rules()["SPD202"].misses_target

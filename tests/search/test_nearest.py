"""What would turn a no into a yes: what costs nothing comes first, then the cheapest card, and each one is a yes."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from advisor.catalog import gpus
from advisor.catalog.entries import GpuSpec
from advisor.pipeline import Answer, recommend
from advisor.probe.simulate import simulate
from advisor.search.nearest import outcome
from advisor.search.step import accepted, is_yes, on
from tests.laws.questions import Typed

CARD = re.compile(r'--gpu "(?P<name>[^"]+)" \(launched at \$(?P<price>[\d,]+)\)')
PAID = ("--gpu", "--nodes")
CASES: list[dict[str, Any]] = [
    {"model": "Qwen/Qwen2.5-14B-Instruct", "users": 5},
    {"model": "meta-llama/Llama-3.1-8B-Instruct", "users": 100},
    {"model": "Qwen/Qwen3-8B", "users": 1000},
]


def asked(gpu: str, case: dict[str, Any]) -> Answer:
    """A chat on this card."""
    return recommend(profile="chat", overrides=case | {"parts": "none"}, gpu=gpu)


def alternative(answer: Answer) -> tuple[GpuSpec, float]:
    """The other card that is named, and its price at launch."""
    (found,) = filter(None, (CARD.fullmatch(change.change) for change in answer.verdict.nearest_yes))
    return next(card for card in gpus() if card.name == found["name"]), float(found["price"].replace(",", ""))


def cheaper(price: float) -> list[GpuSpec]:
    """Cards that still are sold, are surely known and were launched for less."""
    return [
        card
        for card in gpus()
        if card.vendor == "nvidia" and card.device_class not in ("laptop", "unified") and card.confidence == "high"
        if card.release >= "2020-09" and card.launch_price_usd and card.launch_price_usd < price
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['model'].split('/')[1]}-{case['users']}")
def test_the_cheapest_card_that_is_a_yes_comes_first(case: dict[str, Any]) -> None:
    """The other card that is offered is a yes, and no card that cost less at its launch is."""
    answer = asked("GTX 1080", case)
    assert not answer.verdict.meets_targets
    card, price = alternative(answer)
    assert price == card.launch_price_usd and asked(card.id, case).verdict.meets_targets
    assert cheaper(price)
    assert [one.id for one in cheaper(price) if asked(one.id, case).verdict.meets_targets] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['model'].split('/')[1]}-{case['users']}")
def test_what_costs_nothing_comes_before_what_must_be_bought(case: dict[str, Any]) -> None:
    """Other settings and fewer people are named before cards and machines, and another model comes last."""
    changes = [change.change for change in asked("GTX 1080", case).verdict.nearest_yes]
    order = [2 if change.startswith("--model") else 1 if change.startswith(PAID) else 0 for change in changes]
    assert order == sorted(order) and {1, 2} & set(order), changes


def test_what_cannot_be_typed_is_no_remedy() -> None:
    """A wait of more than a day is no target, and a rate has a least: neither is offered."""
    assert accepted(ttft_ms=86_400_000, request_rate=0.000001)
    assert not accepted(ttft_ms=87_800_000) and not accepted(request_rate=1e-7)


def test_another_card_leaves_room_for_what_runs_beside() -> None:
    """A RAG plan's embedder lies on the other card too: a 32B in 4 bit fills 24 GB alone, and fits beside it on 32."""
    wishes = {"model": "Qwen/Qwen2.5-32B-Instruct", "quantization": "q4_K_M", "users": 1}
    question = Typed(profile="rag", gpu="RTX 4070", options={**wishes, "ttft_ms": 300_000, "tpot_ms": 1000}).asked()
    assert not is_yes(on(question, simulate("RTX 4090")))
    assert is_yes(on(question, simulate("RTX 5090")))


def carried(gpu: str, model: str) -> int:
    """So many users are a yes there, and one more is a no."""
    overrides = {"model": model, "users": 2, "offline": True}
    verdict = recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none").verdict
    assert verdict.meets_targets and verdict.capacity_users
    return verdict.capacity_users


@pytest.mark.parametrize("more", [1, 600, 4600])
def test_fewer_people_are_as_many_as_the_machine_carries(more: int) -> None:
    """The verdict says beside it up to how many users the targets are met: one answer, one number."""
    users = carried("RTX 4090", "Qwen/Qwen3-8B") + more
    overrides = {"model": "Qwen/Qwen3-8B", "users": users, "offline": True}
    verdict = recommend(profile=None, overrides=overrides, gpu="RTX 4090", measurements="none").verdict
    assert f"--users {verdict.capacity_users}" in {each.change for each in verdict.nearest_yes}


@pytest.mark.parametrize(
    ("gpu", "model", "users"),
    [("4x H100", "meta-llama/Llama-3.3-70B-Instruct", 5000), ("2x L40S", "deepseek-ai/DeepSeek-V3", 20)],
)
def test_of_several_large_cards_the_cheapest_by_the_hour_comes_first(gpu: str, model: str, users: int) -> None:
    """Where no single card does: a way that has a price, and not the largest cards there are."""
    overrides = {"model": model, "users": users, "offline": True}
    verdict = recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none").verdict
    several = [each for each in verdict.nearest_yes if re.match(r'--gpu "\dx', each.change)]
    assert several and all(each.usd_per_hour for each in several), verdict.nearest_yes


@pytest.mark.parametrize(
    ("gpu", "model", "users"),
    [
        ("B300", "deepseek-ai/DeepSeek-R1", 10),
        ("RTX 4090", "Qwen/Qwen3-8B", 450),
        ("RTX 3060 12GB", "Qwen/Qwen2.5-32B-Instruct", 20),
        ("Tesla P40", "Qwen/Qwen2.5-14B-Instruct", 2),
    ],
)
def test_a_remedy_gives_what_it_says_when_it_is_typed(gpu: str, model: str, users: int) -> None:
    """Engine, cards, weights and pace of the line are those of the answer to the same question with it."""
    overrides = {"model": model, "users": users, "offline": True}
    verdict = recommend(profile=None, overrides=overrides, gpu=gpu, measurements="none").verdict
    checked = 0
    for each in verdict.nearest_yes:
        words = shlex.split(each.change.partition(" (launched")[0])
        if len(words) != 2 or words[0] not in ("--gpu", "--model", "--users"):
            continue
        typed = {**overrides, words[0][2:]: words[1]}
        cards = typed.pop("gpu", gpu)
        typed["users"] = int(str(typed["users"]))
        again = recommend(profile=None, overrides=typed, gpu=str(cards), measurements="none", quick=True)
        assert outcome(again.verdict, again.workload) == each.result, each.change
        checked += 1
    assert checked


def test_nobody_is_told_to_put_a_second_card_into_a_laptop() -> None:
    """What is soldered in is not bought again."""
    overrides = {"model": "qwen3:4b", "users": 1, "offline": True}
    verdict = recommend(profile=None, overrides=overrides, gpu="RTX 3050 Ti Laptop 4GB", measurements="none").verdict
    assert verdict.nearest_yes and not any("Laptop" in each.change for each in verdict.nearest_yes)


@pytest.mark.parametrize(
    ("gpu", "model", "profile", "users"),
    [
        ("2x L40S", "Qwen/Qwen2.5-32B-Instruct", "rag", 80),
        ("Tesla P40", "Qwen/Qwen2.5-14B-Instruct", "chat", 2),
        ("M2 Ultra 192GB", "meta-llama/Llama-3.3-70B-Instruct", "chat", 2),
        ("DGX Spark", "meta-llama/Llama-3.3-70B-Instruct", "chat", 4),
    ],
)
def test_targets_are_loosened_no_further_than_to_what_is_served(gpu: str, model: str, profile: str, users: int) -> None:
    """Each target of the line is what the plan that it gives needs, to three digits, and no other one is touched."""
    overrides: dict[str, Any] = {"model": model, "users": users, "offline": True}
    verdict = recommend(profile=profile, overrides=overrides, gpu=gpu, measurements="none").verdict
    (line,) = [each.change for each in verdict.nearest_yes if re.fullmatch(r"(--t\w+-ms \d+ ?)+", each.change)]
    words = shlex.split(line)
    typed = {flag[2:].replace("-", "_"): float(value) for flag, value in zip(words[::2], words[1::2], strict=True)}
    again = recommend(profile=profile, overrides=overrides | typed, gpu=gpu, measurements="none", quick=True).verdict
    assert again.meets_targets and again.winner is not None
    speed = again.winner.estimate.peak_speed
    assert speed is not None
    needs = {"ttft_ms": speed.ttft_p95_s.expected * 1000, "tpot_ms": speed.tpot_p95_s.expected * 1000}
    assert {key: needs[key] for key in typed} == pytest.approx(typed, rel=0.02)

"""What is said of the machine around the cards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.models.names import find_model_and_format
from advisor.probe.simulate import simulate
from advisor.propose import propose
from advisor.sizing.hosts import Fit
from advisor.sizing.option import notes_of
from advisor.sizing.supply import supplies
from tests.sizing.asked import ask


def fit(card: str, number: int, hosts: int = 1) -> Fit:
    """Machines of one kind of card."""
    (supply,) = supplies(card, None)
    return Fit(supply=supply, cards_a_host=number, hosts=hosts)


@pytest.mark.parametrize(
    ("card", "number", "said"),
    [
        ("RTX 4090", 8, ["long slots", "one power supply"]),
        ("RTX 5090", 4, ["lanes", "one power supply"]),
        ("RTX 3060 12GB", 8, ["long slots"]),
        ("RTX 4090", 1, []),
        ("RTX 4090", 2, []),
        ("H100 SXM 80GB", 8, []),
    ],
)
def test_what_a_desk_lacks_is_said(card: str, number: int, said: list[str]) -> None:
    """Slots, lanes and power of a desk's computer are compared with what the cards need; a server's are not."""
    told = notes_of(fit(card, number), ask(users=5))
    assert len(told) == len(said)
    assert all(any(word in note for note in told) for word in said)


def test_weights_that_a_desk_cannot_hold_in_memory_are_said() -> None:
    """A model of hundreds of billions on a desk's cards needs more memory than its board takes; a small one does not."""
    for name, said in (("deepseek-ai/DeepSeek-V3", True), ("Qwen/Qwen2.5-7B-Instruct", False)):
        model, _ = find_model_and_format(name, offline=True)
        question = replace(ask(), model=model)
        used = propose(simulate("8x RTX PRO 6000 Blackwell"), question.workload, model)[0]
        told = notes_of(fit("RTX PRO 6000 Blackwell", 8), question, used)
        assert any("GiB of weights" in note for note in told) == said


def test_one_machine_for_production_is_named_as_the_risk_it_is() -> None:
    """Two machines are no such risk, and a desk's own use is none."""
    for production, hosts, said in ((True, 1, True), (True, 2, False), (False, 1, False)):
        told = notes_of(fit("L40S", 1, hosts), ask(production=production))
        assert any("--spare" in note for note in told) == said

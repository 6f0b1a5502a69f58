"""Every rule against its card: one case that fires, one that stays quiet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.catalog import sources
from advisor.rules import CANDIDATE_RULES, CONTEST_RULES, rules
from tests.rules_builder import build_case, build_contest

CARDS = Path(__file__).parent / "rules"
PREDICATES: dict[str, Any] = dict(CANDIDATE_RULES) | dict(CONTEST_RULES)


def _card(rule: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((CARDS / f"{rule}.yaml").read_text())
    return data


def _cases(side: str) -> Iterator[Any]:
    for path in sorted(CARDS.glob("*.yaml")):
        for number, case in enumerate(yaml.safe_load(path.read_text())[side]):
            yield pytest.param(path.stem, case, id=f"{path.stem}-{number}")


def _message(rule: str, case: dict[str, Any]) -> str | None:
    build = build_contest if rules()[rule].scope == "contest" else build_case
    message: str | None = PREDICATES[rule](build(case), rules()[rule].threshold)
    return message


def test_every_rule_is_whole() -> None:
    """A rule has words, a predicate, a card with both sides, and a source that resolves; nothing else has a card."""
    assert set(rules()) == set(PREDICATES) == {path.stem for path in CARDS.glob("*.yaml")}
    for rule in rules().values():
        assert rule.source in sources(), rule.id
        assert (rule.id in CONTEST_RULES) == (rule.scope == "contest"), rule.id
        assert _card(rule.id)["fires"], rule.id
        assert _card(rule.id)["quiet"], rule.id


@pytest.mark.parametrize(("rule", "case"), list(_cases("fires")))
def test_a_rule_fires_with_its_two_numbers(rule: str, case: dict[str, Any]) -> None:
    """The firing case gives the card's text; a rule about memory or speed shows the two numbers that were compared."""
    message = _message(rule, case)
    assert message is not None, case["says"]
    assert case["message"] in message
    names_instead = not rule.startswith(("FIT", "SPD"))
    assert names_instead or len(re.findall(r"\d+(?:[.,]\d+)*", message)) >= 2, message


@pytest.mark.parametrize(("rule", "case"), list(_cases("quiet")))
def test_a_rule_stays_quiet(rule: str, case: dict[str, Any]) -> None:
    """The quiet case gives no message."""
    assert _message(rule, case) is None, case["says"]

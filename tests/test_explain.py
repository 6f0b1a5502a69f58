"""What stands behind an id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import advisor
from advisor.catalog import constants, sources
from advisor.errors import BadInput
from advisor.report.explain import explain, names


def test_everything_that_has_a_name_is_explained() -> None:
    """Each rule, figure, setting, claim and format has an entry with a source."""
    for name in names():
        entry = explain(name)
        assert entry["source"], name
        assert len(entry) >= 3, name


@pytest.mark.parametrize("area", ["rules", "figures", "settings", "claims"])
def test_every_source_resolves(area: str) -> None:
    """Each entry's source is a key of the catalogue's sources."""
    for key, entry in constants(area).items():
        assert entry["source"] in sources(), key


def test_a_rule_shows_its_threshold() -> None:
    """A rule with a threshold shows its number; spelling and case of the id do not matter."""
    assert "worthwhile_gain = 1.1" in explain("spd210")["threshold"]


def test_a_flag_the_advisor_does_not_use_is_still_known() -> None:
    """Any flag of the pinned vLLM gets its type and default from the engine's own list."""
    assert explain("--seed")["engine"] == "vLLM"


def test_an_unknown_name_gets_the_nearest() -> None:
    """A slip of the finger is answered with the name that was meant."""
    with pytest.raises(BadInput, match=r"did you mean .*FIT101"):
        explain("FIT1O1")


def test_a_flag_that_is_left_out_names_who_makes_it_needless() -> None:
    """Of every type for which recipes write --trust-remote-code by habit, the class that the pinned versions have is told."""
    told = explain("--trust-remote-code")["not needed where recipes write it"]
    assert "minimax_m2 (Transformers 5.24.0: MiniMaxM2Config)" in told
    assert "kimi_k25 (vLLM 0.33.0: Kimi_K25Config)" in told


def test_every_setting_that_an_engine_writes_is_explained() -> None:
    """What a plug-in writes as a flag or a variable has an entry that says what it is for and how it is chosen."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(advisor.__file__).parent.glob("engines/*/*.py"))
    named = set(re.findall(r'(?:\bflag|\benv|\bparameter)\(\s*"([-A-Z_a-z ]+)"', code))
    named |= set(re.findall(r'^[A-Z_]+ = "(--[-a-z]+)"', code, re.MULTILINE))
    assert len(named) > 30 and named <= constants("settings").keys(), named - constants("settings").keys()

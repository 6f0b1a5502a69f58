"""Speculative decoding: what a step keeps, where it gains, and how it is written in a row of `predict`."""

from __future__ import annotations

import pytest

from advisor.engines.ready import Unsupported
from advisor.physics.speed.speculation import DRAFTED, Speculation, kept_tokens
from advisor.predict.speculation import speculation_of
from tests.test_predict import one, rate


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("drafted", [1, 3, 8])
def test_a_step_keeps_between_one_token_and_all(chance: float, drafted: int) -> None:
    """One where every draft is wrong, all where every draft is right, and more with a better drafter."""
    assert 1.0 <= kept_tokens(chance, drafted) <= drafted + 1
    assert kept_tokens(chance, drafted) <= kept_tokens(chance, drafted + 1)


def test_one_stream_of_a_dense_model_gains() -> None:
    """It waits for memory, so two more tokens in a step cost little."""
    plain = rate(concurrency="1", output_tokens="1024")
    assert 1.2 * plain < rate(concurrency="1", output_tokens="1024", speculation="mtp:2") < 3 * plain


@pytest.mark.parametrize("speculation", ["mtp:3", "eagle3:3", "dflash", "ngram:4"])
def test_the_gain_falls_with_the_load(speculation: str) -> None:
    """A step of many requests multiplies already: what verifying adds is no longer free."""
    gains = [
        rate(concurrency=load, speculation=speculation) / rate(concurrency=load) for load in ("1", "8", "64", "256")
    ]
    assert gains == sorted(gains, reverse=True)


def test_more_kept_tokens_are_faster() -> None:
    """Who knows how many are kept says so, and it counts."""
    rates = [rate(speculation=f"mtp:3:{kept}") for kept in (1, 2, 3, 4)]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mtp", Speculation("mtp", 3)), ("MTP:2", Speculation("mtp", 2)), ("eagle3:5:2.4", Speculation("eagle", 5, 2.4)),
        ("DFlash2", Speculation("dflash", 8)), ("n-gram:8", Speculation("ngram", 8)), (" none ", None), ("", None),
    ],
)  # fmt: skip
def test_a_method_is_known_as_people_write_it(text: str, wanted: Speculation | None) -> None:
    """In any case, with a version behind the name, and with draft and kept tokens."""
    assert speculation_of(text) == wanted


@pytest.mark.parametrize("text", ["medusa", "mtp:0", "mtp:33", "mtp:3:9", "mtp:3:0.5", "3", "mtp:x", "mtp:", ":3"])
def test_what_cannot_be_is_refused(text: str) -> None:
    """The reason names what was written and what is accepted; the row does not stop the others."""
    with pytest.raises(Unsupported, match="speculation"):
        speculation_of(text)
    assert not one(speculation=text).supported


def test_every_method_has_its_chance() -> None:
    """Each can be predicted with both sets of constants."""
    for method in DRAFTED:
        assert one(speculation=method).supported
        assert one(speculation=method, engine="llama.cpp", quantization="Q4_K_M").supported

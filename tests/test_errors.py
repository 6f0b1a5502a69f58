"""What a person is told who slips: the nearest name first, one fact a line, what to type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.workload.meant import meant
from tests.test_cli import run


@pytest.mark.parametrize(
    ("typed", "first", "then"),
    [
        ("recommned", "did you mean recommend?", "type: advisor recommend"),
        ("chekc", "did you mean check?", "type: advisor check"),
        ("catalog gpu", "did you mean gpus?", "type: advisor catalog gpus"),
        ("catalog model", "did you mean models?", "type: advisor catalog models"),
        ("measurements lst", "did you mean list?", "type: advisor measurements list"),
        ("explain ttft", "Did you mean ttft_s?", "type: advisor explain ttft_s"),
        ("explain FIT1O1", "Did you mean FIT101?", "type: advisor explain FIT101"),
        ("recommend --users fifty", "did you mean 50?", "type: --users 50"),
        ("recommend --users 1k", "did you mean 1000?", "type: --users 1000"),
        ("recommend --tpot-ms 0.1s", "did you mean 100?", "type: --tpot-ms 100"),
        ("recommend --gpu RTX-4900", "did you mean NVIDIA GeForce RTX 4090?", 'type: --gpu "NVIDIA GeForce RTX 4090"'),
        ("recommend --user 5", "did you mean --users?", "all options: advisor recommend --help"),
        ("recommend --profile chatt", "Did you mean chat?", "type: --profile chat"),
        ("recommend --model qwen3-8", "did you mean Qwen/Qwen3-8B?", "type: --model Qwen/Qwen3-8B"),
        (
            "recommend --model mistrall",
            "did you mean mistralai/Mistral-7B-v0.1?",
            "type: --model mistralai/Mistral-7B-v0.1",
        ),
        ("recommend --model gpt-4o-mini", "nobody can download its weights", "type: --model gpt-oss:20b"),
        ("recommend --model gemini-2.5-pro", "nobody can download its weights", "type: --model gemma4:12b"),
    ],
)
def test_a_slip_gets_the_nearest_name_and_what_to_type(typed: str, first: str, then: str) -> None:
    """Exit code 2; the first line names what was typed and the nearest; the next lines hold a fact each."""
    done = run(*typed.split())
    lines = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == ""
    assert lines[0].startswith("advisor: ") and lines[0].endswith(first)
    assert f"  {then}" in lines
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize(
    ("text", "unit", "digits"),
    [
        ("fifty", "", "50"),
        ("twenty-five", "", "25"),
        ("two hundred and six", "", "206"),
        ("a dozen", "", None),
        ("1,000", "", "1000"),
        ("2.5k", "", "2500"),
        ("5O", "", "50"),
        ("50 people", "", "50"),
        ("2s", "milliseconds", "2000"),
        ("1 min", "seconds", "60"),
        ("many", "", None),
    ],
)
def test_the_number_that_was_meant(text: str, unit: str, digits: str | None) -> None:
    """Words, suffixes, separators, letters for digits and other units of time are understood; what says nothing is not."""
    assert meant(text, unit) == digits


@given(st.text(max_size=80))
def test_no_text_breaks_the_guess(text: str) -> None:
    """Whatever is typed, the guess is digits or none."""
    found = meant(text)
    assert found is None or float(found) == float(found)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("H1OO", "which is it: NVIDIA H100 NVL 94GB"),
        ("A1oo", "which is it: NVIDIA A100 PCIe 40GB"),
        ("4x", "names no card"),
        ("8 x", "names no card"),
    ],
)
def test_letters_for_zeros_and_a_count_without_a_card_are_understood(typed: str, told: str) -> None:
    """The card that was meant is asked for, and a number of nothing is no misspelt card."""
    done = run("recommend", "--gpu", typed)
    assert done.returncode == 2 and told in done.stderr.splitlines()[0]


def test_a_repository_may_hold_the_name_of_a_closed_model() -> None:
    """Somebody's model that was taught by a closed one is not refused for its name."""
    from advisor.models.elsewhere import refuse_closed

    for name in ("somebody/gpt-4-distilled", "gpt-oss:20b", "Qwen3-8B-Claude-Distill", "gpt4all-j"):
        refuse_closed(name)

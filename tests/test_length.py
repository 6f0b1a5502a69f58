"""A length that nobody asked for refuses no model that holds the requests themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.pipeline import Answer, recommend
from advisor.report.steps import assumed
from advisor.workload import profiles_folder


def asked(model: str, profile: str | None = None, **keys: object) -> Answer:
    """On one card of 24 GB."""
    overrides = {"model": model, "offline": True, **keys}
    return recommend(profile=profile, overrides=overrides, gpu="RTX 4090", measurements="none", quick=True)


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("llama2:13b", 4096),
        ("TheBloke/Llama-2-13B-chat-GPTQ", 4096),
        ("lmsys/vicuna-7b-v1.5", 4096),
        ("microsoft/phi-2", 2048),
        ("Qwen/Qwen3-8B", 8192),  # takes more than the profile asks for
    ],
)
def test_the_profile_asks_for_no_more_than_the_model_takes(model: str, takes: int) -> None:
    """A profile's longest request is cut to what the model was trained for, and the answer says so."""
    answer = asked(model, users=2)
    assert answer.verdict.meets_targets and answer.workload.context_tokens == takes
    assert ("all that the model takes" in " ".join(assumed(answer))) == (takes != 8192)


def test_a_length_that_was_typed_stays(tmp_path: Path) -> None:
    """On the command line, or in a profile of one's own."""
    own = tmp_path / "own.yaml"
    own.write_text((profiles_folder() / "chat.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for answer in (asked("llama2:13b", users=2, context_tokens=8192), asked("llama2:13b", str(own))):
        assert answer.workload.context_tokens == 8192 and not answer.verdict.meets_targets


def test_requests_that_do_not_fit_stay_a_no() -> None:
    """A mean prompt of 6,000 tokens is no question for a model that reads 4,096."""
    assert not asked("llama2:13b", task="rag", users=2).verdict.meets_targets

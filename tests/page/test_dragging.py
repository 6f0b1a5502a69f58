"""While somebody drags the page answers as `recommend` would, and does little for it."""

from __future__ import annotations

import copy
import cProfile
import statistics
from urllib.parse import urlencode

import pytest

from advisor.frozen import replace
from advisor.page.answers import Answers
from advisor.page.question import Asked, read
from advisor.pipeline import Answer, recommend
from tests.page.asking import NO, QWEN, YES

MAC = {"gpu": "M4 Max 64 GB", "model": QWEN}
LAPTOP = {"gpu": "RTX 4060 Laptop", "model": QWEN}
HOST = {"gpu": "8x H100", "model": "meta-llama/Llama-3.3-70B-Instruct"}
SERVER = {"gpu": "H100", "model": "Qwen/Qwen2.5-32B-Instruct"}
DRAGGED = (1, 26, 51, 76, 101, 126, 151)
# Calls of functions for one answer, the median of those: a measure of work that no other program disturbs. They are a
# quarter above what was counted, and less than it was with the model read anew for each question.
MOST_CALLS = ((YES, 170_000), (SERVER, 95_000), (MAC, 54_000), (LAPTOP, 90_000), (NO, 220_000), (HOST, 280_000))


def asked(question: dict[str, str], users: int) -> Asked:
    """The question with the handle at so many people."""
    return read(urlencode({**question, "users": str(users)}))


def anew(question: Asked, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The same from `recommend`, with nothing remembered: every value is one that was never seen."""
    with monkeypatch.context() as forgetful:
        for place in ("pipeline", "verdict", "decide.reach"):
            forgetful.setattr(f"advisor.{place}.same", copy.deepcopy)
        return recommend(profile=question.profile, overrides=question.overrides, gpu=question.gpu, others=False)


@pytest.mark.parametrize("question", [YES, NO, MAC, LAPTOP], ids=["yes", "no", "mac", "laptop"])
def test_the_quick_answer_is_that_of_recommend(question: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After others were answered and remembered: the same verdict, but for what a drag leaves out."""
    answers = Answers()
    quick = {users: answers.quick(asked(question, users)) for users in (1, 80)}
    for users, found in quick.items():
        whole = anew(asked(question, users), monkeypatch)
        left_out = {"capacity_in_flight": None, "capacity_users": None, "nearest_yes": found.verdict.nearest_yes}
        assert found.verdict == replace(whole.verdict, **left_out)
        assert (found.workload, found.model) == (whole.workload, whole.model)


@pytest.mark.parametrize(("question", "most"), MOST_CALLS, ids=["yes", "server", "mac", "laptop", "no", "eight cards"])
def test_a_dragged_handle_costs_little(question: dict[str, str], most: int) -> None:
    """The median answer takes no more calls than it should: nothing is worked out twice."""
    answers = Answers()
    answers.quick(asked(question, 3))
    calls = []
    for users in DRAGGED:
        profile = cProfile.Profile()
        profile.runcall(answers.quick, asked(question, users))
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert statistics.median(calls) < most, calls

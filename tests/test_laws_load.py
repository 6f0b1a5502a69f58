"""What holds for every load: rates, people, requests in flight."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.estimate import estimate
from advisor.probe.simulate import simulate
from advisor.propose import propose
from advisor.rules import rules
from tests.test_laws import CARDS, MODELS, ask

QUESTIONS = settings(max_examples=3000 if os.environ.get("ADVISOR_NIGHTLY") else 150)
cards = st.sampled_from(CARDS)
models = st.sampled_from(MODELS)
rates = st.floats(-4, 3).map(lambda power: 10.0**power)


@QUESTIONS
@given(card=cards, model=models, rate=rates)
def test_what_arrives_is_served_or_the_crowd_is_without_end(card: str, model: str, rate: float) -> None:
    """However seldom requests come, as many are served as arrive, unless more are in flight than an open loop may have."""
    question = ask(simulate(card), model, request_rate=rate)
    for candidate in propose(question.hardware, question.workload, question.model):
        made = estimate(candidate, question)
        if not made.memory.fits or made.speed is None or made.in_flight >= 4096:
            continue
        tokens = made.speed.output_tokens_per_s.expected * made.candidate.replicas
        assert tokens / question.workload.output_tokens >= rules()["SPD204"].threshold["min_served_share"] * rate

"""What the bounds drop is never what a full look would accept: on a grid of small questions, all of them asked."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.errors import BadInput
from advisor.measured.store import measurements_from
from advisor.models.names import find_model
from advisor.models.thinking import with_room
from advisor.probe.simulate import simulate
from advisor.schema import Question
from advisor.search.bounds import worth_a_look
from advisor.search.step import is_yes
from advisor.workload import load_workload

# Cards that are too small, too old, shared with the host, several, and none.
MACHINES = ("GTX 1050 Ti", "GTX 980", "Tesla K80", "RTX 3060 12GB", "Arc A380", "2x RTX 3090", "M4 Max 64GB",
            "Radeon 780M 64GB", "cpu")  # fmt: skip
# Dense, experts, tables beside the layers, a tower, 4 bits as published, vectors.
MODELS = ("Qwen/Qwen2.5-32B-Instruct", "openai/gpt-oss-20b", "google/gemma-3n-E4B-it", "google/gemma-3-12b-it",
          "Qwen/Qwen3.5-35B-A3B", "BAAI/bge-m3")  # fmt: skip
SLOW: dict[str, Any] = {"ttft_ms": 60_000, "tpot_ms": 1_000}
ASKED: tuple[dict[str, Any], ...] = (
    {"ttft_ms": 600_000, "tpot_ms": 2_000},
    {"tpot_ms": 8},
    SLOW | {"allow_offload": True},
    SLOW | {"quantization": "q2_K"},
    SLOW | {"quantization": "iq1_m"},
    {"quantization": "q3_K_S", "tpot_ms": 30},
)


def question(machine: str, model: str, asked: dict[str, Any]) -> Question | None:
    """One person at a desk; None where the wishes exclude each other."""
    try:
        profile, context = ("embedding", None) if model == "BAAI/bge-m3" else ("desktop", 4096)
        workload = load_workload(profile, {"users": 1, "context_tokens": context, "offline": True, **asked})
    except BadInput:
        return None
    spec = find_model(model, offline=True)
    return Question(
        model=spec,
        workload=with_room(workload, spec),
        hardware=simulate(machine),
        measurements=measurements_from("none"),
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_dropped_is_no_yes(machine: str, model: str) -> None:
    """Neither with layers on the host, in few bits, on cards that no engine uses, nor with tables beside the layers."""
    for asked in ASKED:
        found = question(machine, model, asked)
        if found is not None and not worth_a_look(found):
            assert not is_yes(found), asked


def test_most_that_cannot_be_is_dropped() -> None:
    """The bounds are worth having: what is far too large or far too fast goes without a look."""
    for machine, model, asked in (("GTX 1050 Ti", MODELS[0], {}), ("RTX 3060 12GB", MODELS[0], {"tpot_ms": 1})):
        found = question(machine, model, asked)
        assert found is not None and not worth_a_look(found)

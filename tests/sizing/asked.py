"""Questions about machines that are not chosen yet, a small catalogue, and prices that nobody but a test gives."""

from __future__ import annotations

from typing import Any

from advisor.measured.correction import Measurements
from advisor.models.names import find_model_and_format
from advisor.probe.simulate import simulate
from advisor.schema import Question
from advisor.sizing.cost import Terms
from advisor.sizing.money import exchange
from advisor.sizing.supply import Supply, supplies
from advisor.workload import load_workload

SEVEN = "Qwen/Qwen2.5-7B-Instruct"
FEW = "RTX 4090, L4, RTX 3060 12GB"  # of each kind: quick, slow and large, small
CASE_A = {
    "model": "meta-llama/Llama-3.1-8B-Instruct", "quantization": "bf16", "context_tokens": 8192, "input_tokens": 7192,
    "output_tokens": 1000, "lengths": "fixed",
}  # fmt: skip


def ask(**asked: Any) -> Question:
    """A question about a chat on no machine yet."""
    workload = load_workload("chat", {"model": SEVEN, "offline": True, **asked})
    model, _ = find_model_and_format(str(workload.model), offline=True)
    return Question(model=model, workload=workload, hardware=simulate("cpu only"), measurements=Measurements())


def terms(**other: Any) -> Terms:
    """Dollars, 20 cents a kWh, three years, around the clock."""
    usual: dict[str, Any] = {"exchange": exchange("USD"), "kwh": 0.2, "kwh_told": "a test", "prices": {}}
    return Terms(**(usual | other))


def few() -> tuple[Supply, ...]:
    """The small catalogue."""
    return supplies(FEW, None)

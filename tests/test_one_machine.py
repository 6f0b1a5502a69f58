"""`recommend` and `predict` speak of one machine: the same configuration gets the same figure on both ways.

The load is the same too. `predict` answers for a benchmark, of whose clients a part comes in step; `recommend` for
people. A row that says how many prompts are sent (`num_prompts`) leaves of that only the first wave, and of very
many prompts nothing: that is how people are asked for here.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from advisor.catalog import gpus, models
from advisor.catalog.entries import GpuSpec
from advisor.engines import ENGINES
from advisor.engines.vllm.memory import default_utilization
from advisor.errors import BadInput
from advisor.predict import Prediction, predict
from advisor.predict.rows import COLUMNS
from advisor.probe.simulate import simulate
from advisor.propose import propose
from advisor.schema import Candidate, Hardware, Load, ModelSpec, Speed, Workload
from advisor.workload import load_workload

CARDS = [spec for spec in gpus() if spec.bandwidth_bytes_per_s and spec.memory_bytes]
MODELS = [model for model in models() if model.layers and model.vocab and "embedding" not in model.tags]
PEOPLE = "1000000000"  # prompts, so many that no first wave counts


def load(in_flight: int, prompt: int, answer: int) -> Workload:
    """So many requests in flight, in the context that `predict` takes, without a target that would change the batch."""
    context = 1 << math.ceil(math.log2(max(prompt + answer, 2048)))
    return load_workload(
        None,
        {
            "concurrency": in_flight, "input_tokens": prompt, "output_tokens": answer, "context_tokens": context,
            "shared_prefix_tokens": 0, "tpot_ms": 1e6, "task": "chat", "offline": True,
        },
    )  # fmt: skip


def recommended(plan: Candidate, workload: Workload, hardware: Hardware, model: ModelSpec) -> Speed | None:
    """What `recommend` says of one replica: the engine's own memory and speed on the simulated machine."""
    engine, in_flight = ENGINES[plan.engine], (workload.concurrency or 1) / plan.replicas
    memory = engine.memory(plan, hardware, model)
    if not memory.fits or memory.full_sequences < 1:
        return None
    asked = Load(in_flight=in_flight, input_tokens=workload.input_tokens, output_tokens=workload.output_tokens)
    return engine.speed(plan, memory, hardware, model, asked)


def predicted(gpu: str, count: int, plan: Candidate, workload: Workload, model: ModelSpec) -> Prediction:
    """The row of `predict` that asks for the same."""
    layout = {"tp": str(plan.tensor_parallel), "pp": str(plan.pipeline_parallel)} if plan.engine == "vllm" else {}
    row = {
        "engine": plan.engine, "gpu": gpu, "gpu_count": str(count), "model": model.hf_id, **layout,
        "quantization": plan.weights_format, "kv_dtype": plan.kv_cache_dtype, "slots": str(plan.max_in_flight),
        "mode": "serving", "concurrency": str(workload.concurrency), "input_tokens": str(workload.input_tokens),
        "output_tokens": str(workload.output_tokens), "num_prompts": PEOPLE,
    }  # fmt: skip
    return next(predict(COLUMNS, [[row.get(name, "") for name in COLUMNS]]))


def as_a_row_can_say(plan: Candidate, workload: Workload, hardware: Hardware, model: ModelSpec) -> Candidate:
    """The candidate at the load, with the share of memory that an engine takes where nobody names one."""
    sized = ENGINES[plan.engine].resize(plan, (workload.concurrency or 1) / plan.replicas, hardware, model)
    return replace(sized, memory_utilization=sized.memory_utilization and default_utilization())


def assert_same(gpu: str, count: int, workload: Workload, model: ModelSpec) -> int:
    """Every candidate that uses the whole machine gets one figure on both ways; how many there were."""
    hardware, compared = simulate(gpu, count), 0
    for proposed in propose(hardware, workload, model):
        plan = as_a_row_can_say(proposed, workload, hardware, model)
        if len(plan.gpu_indices) != len(hardware.accelerators):
            continue
        said = recommended(plan, workload, hardware, model)
        if said is None:
            continue
        row = predicted(gpu, count, plan, workload, model)
        assert row.supported, row.reason
        if plan.cpu_layers and not row.reason.startswith(f"{plan.cpu_layers} of "):
            continue  # `predict` lets a little more on the cards, as people do who need it: another configuration
        rate = plan.replicas * said.output_tokens_per_s.expected
        assert row.output_tok_s == pytest.approx(rate, rel=1e-3), plan
        assert row.ttft_ms == pytest.approx(1e3 * said.ttft_s.expected, rel=1e-2), plan
        assert row.tpot_ms == pytest.approx(1e3 * said.tpot_s.expected, rel=1e-3), plan
        compared += 1
    return compared


@settings(max_examples=100)
@given(
    st.sampled_from(CARDS), st.sampled_from((1, 2, 4, 8)), st.sampled_from(MODELS),
    st.sampled_from((1, 2, 8, 24, 100)), st.integers(16, 6000), st.integers(16, 2000),
)  # fmt: skip
def test_recommend_and_predict_give_the_same_figure(
    card: GpuSpec, count: int, model: ModelSpec, in_flight: int, prompt: int, answer: int
) -> None:
    """Any card of the catalogue, count, model, format and load: one figure, whichever command is asked."""
    try:
        simulate(card.name, count)
    except BadInput:
        assume(False)
    assert_same(card.name, count, load(in_flight, prompt, answer), model)


@pytest.mark.parametrize(
    ("gpu", "count"),
    [
        ("RTX 3090", 2),
        ("RTX 5090", 2),
        ("2x RTX 3090 nvlink at 220 W", 1),
        ("4x RTX A6000 nvlink", 1),
        ("RTX 3090 PCIe 3.0 x16 P2P", 4),
        ("RTX 3090 + RTX 3090 Ti", 1),
        ("H100 SXM", 8),
        ("MI300X", 8),
        ("GH200 96GB", 1),
        ("Strix Halo 128GB", 1),
        ("GB10", 1),
        ("Apple M3 Max 64GB", 1),
        ("cpu", 1),
        ("CPU: AMD EPYC 9654", 1),
    ],
)
def test_every_kind_of_machine_is_one_machine(gpu: str, count: int) -> None:
    """Bridges, slots, boards, unified memory, mixed cards, a power limit, a processor alone: one figure each."""
    model = next(model for model in MODELS if model.hf_id == "Qwen/Qwen2.5-7B-Instruct")
    assert assert_same(gpu, count, load(8, 1024, 256), model)


@pytest.mark.parametrize(("column", "words"), [("220", ""), ("", " at 220 W"), ("", " @220W")])
def test_a_power_limit_is_one_limit(column: str, words: str) -> None:
    """In the column, beside the name, and in `--gpu`: the same share of the card's power, the same figure."""
    row = {
        "engine": "vllm", "gpu": f"RTX 3090{words}", "gpu_count": "2", "model": "Qwen/Qwen2.5-14B-Instruct",
        "quantization": "awq", "concurrency": "8", "power_limit_watts": column,
    }  # fmt: skip
    (answer,) = predict(tuple(row), [list(row.values())])
    (other,) = predict(("engine", "gpu", "model", "quantization", "concurrency"), [
        ["vllm", "2x RTX 3090 at 220 W", "Qwen/Qwen2.5-14B-Instruct", "awq", "8"],
    ])  # fmt: skip
    assert answer == other
    assert simulate("RTX 3090", 2, 220).accelerators == simulate("2x RTX 3090 at 220 W").accelerators

"""Cards of several kinds under one model of vLLM: which can, how it is shared, at whose memory and speed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from advisor.engines import vllm
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.unequal import divides, shares
from advisor.models.names import find_model
from advisor.pipeline import recommend
from advisor.probe.simulate import simulate
from advisor.schema import Candidate
from advisor.workload import load_workload


def together(gpu: str, model: str, quantization: str = "fp8", context: int = 16_384) -> list[Candidate]:
    """The proposals over cards of several kinds that fit."""
    spec, machine = find_model(model, offline=True), simulate(gpu)
    asked = load_workload("chat", {"concurrency": 2, "context_tokens": context, "quantization": quantization})
    names = {card.index: card.name for card in machine.accelerators}
    return [
        way
        for way in vllm.propose(machine, asked, spec)
        if len({names[index] for index in way.gpu_indices}) > 1
        and memory(replace(way, max_in_flight=1), machine, spec).fits
    ]


def answered(gpu: str, model: str, context: int, **options: object) -> Any:
    """What `recommend` says of vLLM."""
    asked = {"model": model, "engine": "vllm", "context_tokens": context, "offline": True, **options}
    return recommend(profile="chat", overrides=asked, gpu=gpu, measurements="none")


@pytest.mark.parametrize(
    ("gpu", "model", "sizes"),
    [
        ("RTX A5000 + RTX 3090", "Qwen/Qwen3.6-27B", {(2, 1), (1, 2)}),
        ("RTX 3090 + RTX 4090", "Qwen/Qwen3-32B", {(2, 1), (1, 2)}),
        ("RTX 4090 + RTX 5090", "Qwen/Qwen3-32B", {(2, 1), (1, 2)}),
        ("2x RTX 3090 + 2x RTX 4090", "meta-llama/Llama-3.3-70B-Instruct", {(4, 1), (2, 2), (1, 4)}),
        ("RTX A6000 + RTX 3090", "mistralai/Mistral-Small-3.2-24B-Instruct-2506", {(2, 1), (1, 2)}),
        (
            "RTX 3060 12GB + RTX 3090",
            "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
            {(1, 2)},
        ),  # half is too much for one
    ],
)
def test_unequal_cards_hold_one_model(gpu: str, model: str, sizes: set[tuple[int, int]]) -> None:
    """Tensor parallel over all, a stage a kind or a stage a card: whatever fits is weighed."""
    assert {(way.tensor_parallel, way.pipeline_parallel) for way in together(gpu, model)} == sizes


def test_stages_follow_the_memory() -> None:
    """A card with twice the memory gets about twice the layers, and more KV cache fits than with even stages."""
    machine, spec = simulate("RTX A6000 + RTX 3090"), find_model("Qwen/Qwen3-32B", offline=True)
    way = next(way for way in together("RTX A6000 + RTX 3090", "Qwen/Qwen3-32B") if way.pipeline_parallel == 2)
    assert sum(way.stage_layers) == spec.layers
    assert 1.7 <= way.stage_layers[0] / way.stage_layers[1] <= 2.5
    even = memory(replace(way, stage_layers=()), machine, spec)
    assert memory(way, machine, spec).kv_tokens > 1.5 * even.kv_tokens


@pytest.mark.parametrize(
    "gpu", ["RTX 4090 + RX 7900 XTX", "RX 7900 XTX + MI300X", "2x RTX 4090", "Tesla P40 + RTX 3090"]
)
def test_what_cannot_work_together_is_not_tried(gpu: str) -> None:
    """Cards of other makers, of another runtime than CUDA or too old for vLLM are never put under one model."""
    assert not together(gpu, "Qwen/Qwen2.5-7B-Instruct")


def test_an_old_card_sets_the_type_for_both() -> None:
    """Beside a Turing card no bfloat16 and no 8-bit KV cache is planned."""
    found = together("T4 + RTX 4090", "Qwen/Qwen2.5-7B-Instruct", "bf16", 4096)
    assert found and {(way.weights_format, way.kv_cache_dtype) for way in found} == {("fp16", "auto")}


def test_what_was_measured_on_two_kinds_is_a_yes() -> None:
    """An A5000 and a 3090 serve a 27B in FP8 with tensor parallelism, at the slower one's speed, and it is said."""
    answer = answered("RTX A5000 + RTX 3090", "Qwen/Qwen3.6-27B", 32_768, concurrency=1, quantization="fp8")
    winner = answer.verdict.winner
    assert winner is not None and winner.estimate.candidate.tensor_parallel == 2
    said = next(finding.message for finding in winner.findings if finding.rule == "SPD213")
    assert "NVIDIA RTX A5000 (768 GB/s)" in said
    assert {setting.name: setting.value for setting in answer.plan.settings}["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_stages_are_told_to_the_engine() -> None:
    """Uneven stages are a variable of vLLM with a number for each, the cards in the driver's order."""
    answer = answered(
        "RTX 3090 + RTX 3060 12GB", "Qwen/Qwen2.5-14B-Instruct", 16_384, concurrency=1, quantization="fp8"
    )
    values = {setting.name: setting.value for setting in answer.plan.settings}
    if answer.plan.estimate.candidate.stage_layers:
        assert sum(map(int, values["VLLM_PP_LAYER_PARTITION"].split(","))) == 48
        assert values["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    else:
        assert any(finding.rule == "SPD214" for finding in answer.verdict.winner.findings)


def test_layers_are_whole_and_all_there() -> None:
    """Every stage has at least one layer, and together they are the model's."""
    for layers, rooms in ((64, [1.0, 2.0]), (5, [1.0, 1000.0]), (30, [0.0, 0.0, 0.0]), (7, [3.0, 3.0, 1.0])):
        found = shares(layers, rooms)
        assert sum(found) == layers and min(found) >= 1


@pytest.mark.parametrize(("tensor", "able"), [(2, True), (3, False), (4, True), (6, False), (8, True)])
def test_every_width_must_divide(tensor: int, able: bool) -> None:
    """24 heads divide by 3, its 4 KV heads and 17,408 wide layers do not."""
    assert divides(find_model("Qwen/Qwen3.6-27B", offline=True), tensor) is able

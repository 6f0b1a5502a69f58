"""Which build of an engine runs on which card: by generation, not by maker."""

from __future__ import annotations

import pytest

from advisor.catalog import engine_limits, gpus
from advisor.catalog.entries import GpuSpec
from advisor.catalog.vendors import NO_BACK_END, build_for, vendors
from advisor.engines import ENGINES
from advisor.engines.devices import usable
from advisor.errors import BadInput
from advisor.pipeline import recommend
from advisor.probe.named import accelerator
from tests.data import rows

KNOWN = {spec.name: spec for spec in gpus()}
AMD = [row for row in rows("amd_backends.csv") if row["card"] in KNOWN]
CASES = [(spec, engine) for spec in gpus() for engine in ENGINES]


def _reached(spec: GpuSpec) -> str:
    """In the words of the table."""
    card = accelerator(spec, 0, ())
    build = build_for(card, "ollama")
    words = ["rocm" if build.backend == "rocm" else "plain image (Vulkan) + /dev/dri"]
    switches = (
        switch for switch in build.switches if switch.needed(card.compute_capability, unified=card.unified_memory)
    )
    return " + ".join([*words, *(f"{switch.name}={switch.text}" for switch in switches)])


@pytest.mark.parametrize("row", AMD, ids=[row["card"] for row in AMD])
def test_an_amd_card_gets_the_image_that_runs_it(row: dict[str, str]) -> None:
    """ROCm's image for its targets, the plain one with Vulkan for the others, and the switch for integrated graphics."""
    spec = KNOWN[row["card"]]
    assert (spec.compute_capability, _reached(spec)) == (row["gfx"], row["ollama_choice"])


@pytest.mark.parametrize(("spec", "engine"), CASES, ids=[f"{spec.id}-{engine}" for spec, engine in CASES])
def test_a_card_that_an_engine_is_said_to_run_on_has_a_build(spec: GpuSpec, engine: str) -> None:
    """Whatever card of the catalogue counts as usable has a build whose back end covers its generation."""
    card, limits = accelerator(spec, 0, ()), engine_limits(engine)
    if not usable(card, limits):
        answer = spec.supported.get(engine)
        too_old = vendors()[spec.vendor].cuda_capability or vendors()[spec.vendor].build_targets
        assert answer in NO_BACK_END or engine not in vendors()[spec.vendor].builds or too_old
        return
    build = build_for(card, engine)
    makers = {"cuda": "nvidia", "rocm": "amd", "metal": "apple", "xpu": "intel"}
    assert makers.get(build.backend, spec.vendor) == spec.vendor
    assert build.backend != "rocm" or spec.compute_capability in limits.gfx_targets
    assert build.backend != "xpu" or not spec.unified_memory
    assert spec.supported.get(engine) not in NO_BACK_END


@pytest.mark.parametrize("name", ["Gaudi2", "Gaudi3", "TPU v5e", "TPU v6e", "Ascend 910B", "Tesla K80"])
def test_no_engine_is_planned_on_a_card_it_has_no_back_end_for(name: str) -> None:
    """The answer is on the processor or no; it never puts a model on that card."""
    try:
        made = recommend(profile=None, overrides={"model": "Qwen/Qwen3-8B", "users": 20}, gpu=name, measurements="none")
    except BadInput:
        return
    assert made.plan is None or not made.plan.estimate.candidate.gpu_indices


@pytest.mark.parametrize(
    ("gpu", "image", "variable"),
    [
        ("RX 6700 XT", "ollama/ollama:0.34.2", None),
        ("Radeon 780M 32GB", "ollama/ollama:0.34.2", "OLLAMA_IGPU_ENABLE"),
        ("Radeon 890M 32GB", "ollama/ollama:0.34.2-rocm", "OLLAMA_IGPU_ENABLE"),
        ("Arc 140V 32GB", "ollama/ollama:0.34.2", "OLLAMA_IGPU_ENABLE"),
        ("Jetson AGX Orin 64GB", "ollama/ollama:0.34.2", "JETSON_JETPACK"),
        ("RX 7900 XTX", "ollama/ollama:0.34.2-rocm", None),
    ],
)
def test_a_plan_names_that_image_and_its_switch(gpu: str, image: str, variable: str | None) -> None:
    """Both are in the launch that every file is written from."""
    wanted = {"model": "Qwen/Qwen3-4B", "engine": "ollama", "users": 1}
    made = recommend(profile=None, overrides=wanted, gpu=gpu, measurements="none").plan
    assert made is not None and made.estimate.candidate.gpu_indices == (0,)
    switches = {"OLLAMA_IGPU_ENABLE", "JETSON_JETPACK"} & made.launch.env.keys()
    assert (made.launch.image, switches) == (image, {variable} if variable else set())

"""What repositories store: those that somebody read against the ranges that recipes span, and laws of every model."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from advisor.catalog import formats, from_entry, hub_size, models, raw_entries, weights_format
from advisor.catalog.entries import HubSize, WeightsFormat
from advisor.errors import BadInput
from advisor.models.names import find_model, find_model_and_format
from advisor.physics.memory.stored import computed, stored
from advisor.physics.memory.weights import file_bytes, weight_bytes
from advisor.schema import ModelSpec

SAME_MODEL = 0.05  # entries whose parameters differ by more are about another model
QUANTISED = [fmt for fmt in formats().values() if fmt.kind == "quantised"]


def known() -> list[tuple[HubSize, ModelSpec, WeightsFormat]]:
    """Every quantised repository that was read, of a model whose dimensions are sure."""
    found = []
    for size in (from_entry(HubSize, entry) for entry in raw_entries("hub_sizes")):
        try:
            model, fmt = find_model_and_format(size.repo, offline=True)
        except BadInput:
            continue
        fmt = fmt or weights_format(model.native_format)
        same = not size.parameters or abs(size.parameters / model.parameters - 1) < SAME_MODEL
        if fmt.kind == "quantised" and size.kind != "counted" and model.confidence == "high" and same:
            found.append((size, model, fmt))
    return found


KNOWN = known()


def off(size: HubSize, model: ModelSpec, fmt: WeightsFormat) -> float:
    """How far what is computed as if nobody had read the size lies from it; 0 where the range holds it."""
    ours = computed(model, fmt, size.repo)
    if ours.low_bytes <= size.high_bytes and size.low_bytes <= ours.high_bytes:
        return 0.0
    return min(abs(ours.low_bytes / size.high_bytes - 1), abs(ours.high_bytes / size.low_bytes - 1))


def test_computed_sizes_agree_with_those_that_were_read() -> None:
    """As if unknown: within 2 % in the median and 6 % in the worst, or the range holds them."""
    errors = {size.repo: off(size, model, fmt) for size, model, fmt in KNOWN}
    assert len(errors) >= 18
    assert statistics.median(errors.values()) <= 0.02
    assert max(errors.values()) <= 0.06, max(errors, key=lambda name: errors[name])


@pytest.mark.parametrize(("size", "model", "fmt"), KNOWN, ids=[size.repo for size, _, _ in KNOWN])
def test_a_size_that_was_read_is_what_is_planned(size: HubSize, model: ModelSpec, fmt: WeightsFormat) -> None:
    """The table beats every formula, in any spelling of the repository: its upper end, less a draft head that stays out."""
    planned = weight_bytes(model, fmt).total_bytes
    assert size.high_bytes * 0.96 <= planned <= size.high_bytes * 1.0001
    assert file_bytes(model, fmt) == size.high_bytes
    again, _ = find_model_and_format(size.repo.upper(), offline=True)
    assert stored(again, fmt).high_bytes == size.high_bytes


def test_every_bound_is_one() -> None:
    """Of every model in every quantised format of anybody the low end is at most what is loaded, that at most the high end."""
    for model in models():
        for fmt in QUANTISED:
            size = computed(model, fmt, "somebody/copy")
            assert 0 < size.low_bytes <= size.loaded_bytes * 1.000001 <= size.high_bytes * 1.000002, (
                model.hf_id,
                fmt.name,
            )


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct", "microsoft/phi-4"])
def test_text_models_of_one_kind_of_layer_leave_nothing_open(name: str) -> None:
    """There AWQ, GPTQ and FP8 mean the same bytes whoever made them."""
    model = find_model(name, offline=True)
    for fmt in ("awq-int4", "gptq-int4", "w4a16", "fp8", "int8-w8a8"):
        assert computed(model, weights_format(fmt), "somebody/copy").spread == 0


@pytest.mark.parametrize(
    ("name", "fmt"),
    [
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "awq-int4"),
        ("Qwen/Qwen3.5-9B", "gptq-int4"),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "awq-int4"),
        ("ibm-granite/granite-4.0-h-small", "awq-int4"),
        ("ai21labs/AI21-Jamba2-3B", "w4a16"),
        ("moonshotai/Kimi-Linear-48B-A3B-Instruct", "awq-int4"),
        ("Qwen/Qwen3.5-27B", "nvfp4"),
    ],
)
def test_hybrids_of_unknown_makers_are_planned_at_the_upper_end(name: str, fmt: str) -> None:
    """Linear attention may stay in 16 bit, so that no yes rests on the smallest case."""
    model = replace(find_model(name, offline=True), repos={fmt: "somebody/copy"})
    size = stored(model, weights_format(fmt))
    assert (size.kind, size.spread > 0.02) == ("computed", True)
    assert weight_bytes(model, weights_format(fmt)).total_bytes == pytest.approx(size.loaded_bytes)


PLAIN_NVFP4 = ("nvidia", "RedHatAI")


def test_plain_text_models_of_known_makers_quantise_attention_in_nvfp4() -> None:
    """Every size that somebody read of theirs lies in the narrow range, so that a copy nobody read is planned so too."""
    read = 0
    for owner in PLAIN_NVFP4:
        for model in models():
            if model.layers_linear or model.experts or model.multimodal or model.tied_embeddings:
                continue
            fmt = weights_format("nvfp4")
            size = computed(model, fmt, f"{owner}/copy")
            assert size.spread < 0.12, model.hf_id
            known = hub_size(model.repos.get("nvfp4", ""))
            if known is not None and model.repos["nvfp4"].startswith(owner):
                read += 1
                assert 0.95 * size.low_bytes <= known.low_bytes <= known.high_bytes <= size.high_bytes, model.hf_id
    assert read >= 4


@pytest.mark.parametrize("copy", ["nvidia/Llama-3.3-70B-Instruct-FP4", "nvidia/Llama-3.1-405B-Instruct-NVFP4"])
def test_a_copy_that_nobody_read_is_as_large_as_its_like(copy: str) -> None:
    """About 4.8 bits a weight, and not the seven of a copy whose attention was left alone."""
    model, fmt = find_model_and_format(copy, offline=True)
    assert fmt is not None
    assert 4.5 < stored(model, fmt).loaded_bytes * 8 / model.parameters < 5.1

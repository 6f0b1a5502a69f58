"""A third engine in rows of `advisor predict`: it hands over its files and its step, and nothing else knows of it."""

from __future__ import annotations

import pytest

from advisor.catalog import constants, weights_format
from advisor.catalog.entries import WeightsFormat
from advisor.engines import ENGINES, SERVERS, predictable
from advisor.engines.ready import Ready, Unsupported, Wanted
from advisor.models.names import find_model
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.setup import prepare
from advisor.physics.speed.step import Rates, step_model
from advisor.predict import Prediction, predict
from advisor.predict.rows import COLUMNS
from advisor.schema import Candidate, Hardware, ModelSpec

CARD, BANDWIDTH = "RTX 4090 24GB", 1008e9
MODEL = "Qwen/Qwen2.5-7B-Instruct"
RULE = Discipline(slots=8, sequences=8, request_s=0.0, serial_s=0.0, burst=0.0, chunk_tokens=512)


class Third:
    """It reaches half of the bandwidth and nothing holds it up; nobody ever measured it."""

    def files_of(self, fmt: WeightsFormat | None, model: ModelSpec) -> WeightsFormat:
        """Whatever is named; else the checkpoint's own."""
        return fmt or weights_format(model.native_format)

    def ready(self, wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready | None:
        """On the first card, with eight slots and no more."""
        if (wanted.slots or 1) > RULE.slots:
            raise Unsupported(f"has {RULE.slots} slots")
        candidate = Candidate(
            engine="third", model_ref=model.hf_id, weights_format=fmt.name, kv_cache_dtype="auto", device="gpu",
            gpu_indices=(0,), context_tokens=wanted.context_tokens, max_in_flight=8, max_batched_tokens=512,
        )  # fmt: skip
        known = prepare(candidate, hardware, model, fit="third", version=wanted.version, chunk_tokens=512)
        if known is None:
            return None
        rates = Rates(
            bytes_per_s=known.device.bandwidth / 2, expert_bytes_per_s=known.device.bandwidth / 2,
            kv_bytes_per_s=known.device.bandwidth, decode_flops=1e15, prefill_flops=1e15, attention_flops=1e15,
            overhead_s=0.0, sequence_s=0.0, routing_spread=1.0, vector_growth=0.0, expert_growth=0.0, all_reduce_s=0.0,
            link_bytes_per_s=1.0, stage_s=0.0,
        )  # fmt: skip
        step = step_model(
            known.facts, rates, tensor_parallel=1, pipeline_parallel=1, overlapping_stages=False, kv_share=1.0,
            chunk_tokens=512,
        )  # fmt: skip
        return Ready("third", known, step, step, RULE, float("inf"), 8 * wanted.context_tokens, 1, True, "")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the registry, and nowhere else."""
    monkeypatch.setitem(SERVERS, "third", Third())


def ask(engine: str = "third", **cells: str) -> Prediction:
    """One row: a 7B in 16 bit, one stream."""
    row = {"engine": engine, "gpu": CARD, "model": MODEL, "mode": "single_stream", **cells}
    return next(predict(COLUMNS, [[row.get(name, "") for name in COLUMNS]]))


@pytest.mark.parametrize("written", ["third", "Third", "third (nightly)"])
def test_a_row_reaches_it(written: str) -> None:
    """Its step decides the rate: half of the bandwidth over the weights, a little less for the cache."""
    roof = BANDWIDTH / 2 / (2 * find_model(MODEL, offline=True).parameters)
    assert ask(written).output_tok_s == pytest.approx(roof, rel=0.1)


def test_its_range_is_the_widest() -> None:
    """Where no measurement stands behind an engine its figures are analytic, and wider than anybody's."""

    def width(answer: Prediction) -> float:
        return (answer.output_tok_s_high or 0.0) / (answer.output_tok_s or 1.0)

    assert ask().basis == "analytic"
    assert width(ask()) > max(width(ask(engine)) for engine in ENGINES)


def test_a_version_of_it_has_no_age() -> None:
    """Without a pinned release any version, also a date, counts as the one that is known."""
    assert ask(engine_version="0.1") == ask(engine_version="2024-05") == ask()


def test_its_refusal_is_the_rows_reason() -> None:
    """What it says of a configuration that it cannot run comes back; and its name stands in the list of known ones."""
    assert ask(slots="9").reason == "has 8 slots"
    assert "third" in ask("fourth").reason


def test_other_spellings_lead_to_engines() -> None:
    """Every name of written.yaml is another word for somebody who can be predicted."""
    assert set(constants("written")["engines"].values()) <= set(predictable())


def test_a_llama_server_has_files_of_its_own() -> None:
    """The experts of gpt-oss are MXFP4 in both; the rest is 16 bit in Ollama's library and Q8_0 in ggml-org's."""
    model, mxfp4 = find_model("openai/gpt-oss-20b", offline=True), weights_format("mxfp4")
    files = {name: engine.files_of(mxfp4, model).name for name, engine in predictable().items() if name != "third"}
    assert files == {"ollama": "mxfp4-gguf", "vllm": "mxfp4", "llama.cpp": "mxfp4-moe"}

"""What rows leave to their source: cards of several dies, models, slots, draft heads, back ends, cached prompts."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="the calibration is a development program and needs NumPy")

from advisor.calibrate import known  # noqa: E402
from advisor.calibrate.model import Model  # noqa: E402
from advisor.calibrate.points import inside_memory, points, to_fit, to_judge  # noqa: E402
from advisor.calibrate.validate import error_of  # noqa: E402
from advisor.catalog import constants, gpus  # noqa: E402
from advisor.evaluate import measurement  # noqa: E402
from advisor.physics.speed.setup import fitted  # noqa: E402
from advisor.probe.simulate import simulate  # noqa: E402

USUAL = {
    "id": "row", "group": "somebody", "measurement": "single_stream", "engine": "Ollama", "gpu": "RTX 4090 24GB",
    "quantization": "Q4_K_M", "concurrency": "1", "model": "Qwen/Qwen2.5-7B-Instruct", "output_tok_s_total": "100",
    "output_tokens_mean": "128", "confidence": "high",
}  # fmt: skip
DIES = constants("devices")["dies"]


@pytest.mark.parametrize("spec", [spec for spec in gpus() if spec.id in DIES], ids=lambda spec: spec.id)
def test_a_rank_reads_no_faster_than_the_one_die_it_runs_on(spec: object) -> None:
    """Of a card that drivers list as several GPUs, bandwidth and FLOPs are those of one, and it is said so."""
    whole = next(one for one in gpus() if one == spec)
    found = simulate(whole.name)
    (card,) = found.accelerators
    assert card.bandwidth_bytes_per_s == pytest.approx((whole.bandwidth_bytes_per_s or 0.0) / DIES[whole.id])
    assert card.dense_flops == {name: rate / DIES[whole.id] for name, rate in whole.dense_flops.items()}
    assert any("one of them" in note for note in found.assumed)


def test_every_card_of_several_dies_is_in_the_catalogue() -> None:
    """A name in the table that no card has would change nothing."""
    assert DIES.keys() <= {spec.id for spec in gpus()}


@pytest.mark.parametrize("name", ["A16", "Tesla K80", "MI300X", "B200", "GB200", "RTX 4090", "Apple M3 Ultra 96GB"])
def test_other_cards_are_as_fast_as_the_data_sheet(name: str) -> None:
    """Dies that act as one GPU, and cards that the catalogue lists by GPU, keep their figures."""
    (card,) = simulate(name, guess=True).accelerators
    (spec,) = (spec for spec in gpus() if spec.id == card.catalog_id)
    assert card.bandwidth_bytes_per_s == spec.bandwidth_bytes_per_s


@pytest.mark.parametrize(
    ("engine", "model", "drafting"),
    [
        ("Ollama", "qwen3.6:27b-mtp-q8_0", "mtp"),
        ("Ollama", "some-new-model:35b-a3b-mtp-q4_K_M", "mtp"),
        ("Ollama", "qwen3.6:27b-q8_0", ""),
        ("Ollama", "hf.co/unsloth/Qwen3.6-27B-MTP-GGUF:UD-Q4_K_XL", ""),
        ("llama.cpp", "Qwen3.6-27B-mtp-q8_0", ""),
    ],
)
def test_a_tag_with_a_draft_head_drafts(engine: str, model: str, drafting: str) -> None:
    """Ollama's own tags use the head that they are packed with; what is loaded from the Hub does not."""
    assert known.speculation_of(measurement({**USUAL, "engine": engine, "model": model})) == drafting


def test_what_the_processor_ran_is_no_measurement_of_the_card() -> None:
    """A note on the back end tells it, whatever card the machine has; another note does not."""
    rows = [measurement({**USUAL, "notes": f"backend {name}; gpu layers None"}) for name in ("cpu", "cuda", "None")]
    assert [inside_memory(point) for point in points(rows)[0]] == [False, True, True]
    assert len(to_fit(rows)) == len(to_judge(rows)) == 2


@pytest.mark.parametrize(
    ("model", "prompts", "slots"),
    [
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "1000", "64"),
        ("cyankiwi/Qwen3.6-27B-AWQ-INT4", "500", "32"),
        ("cyankiwi/gemma-4-31B-it-AWQ-4bit", "1000", "16"),
        ("cyankiwi/gemma-4-31B-it-AWQ-4bit", "500", "32"),
    ],
)
def test_a_script_tells_the_slots_that_its_log_does_not(model: str, prompts: str, slots: str) -> None:
    """kyuz0's two versions of it, told apart by the number of prompts; of others nothing is said."""
    cells = {**USUAL, "engine": "vLLM", "model": model, "concurrency": "", "num_prompts": prompts}
    cells["measurement"] = "offline_throughput"
    assert known.slots_of(measurement({**cells, "group": "kyuz0-vllm"})) == slots
    assert known.slots_of(measurement(cells)) == ""
    assert known.slots_of(measurement({**cells, "group": "kyuz0-vllm", "concurrency": "64"})) == ""


def test_the_rate_of_prompts_from_the_cache_is_judged_without_computing_them() -> None:
    """TTFT proves it and is judged as the row alone says it; rate and TPOT are those of a run that computed nothing."""
    cells = {
        **USUAL, "engine": "vLLM", "measurement": "serving", "model": "google/gemma-4-12b-it", "quantization": "awq",
        "gpu": "RTX 3090 24GB", "concurrency": "16", "input_tokens_mean": "512", "ttft_ms_mean_or_p50": "57",
    }  # fmt: skip
    (point,), model = to_judge([measurement(cells)]), Model(fitted("vllm"))
    computed, cached = (error_of(model, point, again, set(), set()) for again in (set(), {"row"}))
    assert computed.cached and cached.cached and cached.ttft == computed.ttft
    assert cached.predicted > 1.2 * computed.predicted

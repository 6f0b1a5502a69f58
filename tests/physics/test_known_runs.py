"""What rows leave to their source: cards of several dies, models, slots, draft heads, back ends, cached prompts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="the calibration is a development program and needs NumPy")

from advisor.calibrate import known  # noqa: E402
from advisor.calibrate.copied import copies  # noqa: E402
from advisor.calibrate.model import Model  # noqa: E402
from advisor.calibrate.points import inside_memory, points, to_fit, to_judge  # noqa: E402
from advisor.calibrate.rows import as_installed, read  # noqa: E402
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


@pytest.mark.parametrize(
    ("version", "date", "read"),
    [
        ("", "2025-10-29", "2025-10-29"),
        ("", "2025-02", "2025-02"),
        ("0.19.0", "2026-04-17", "0.19.0"),
        ("", "2025", ""),
        ("", "2023-2026", ""),
        ("", "2026-04..05", ""),
        ("", "", ""),
    ],
)
def test_a_run_whose_version_nobody_names_is_as_old_as_its_month(version: str, date: str, read: str) -> None:
    """It is not fitted as the pinned version; a year or a span of them dates nothing. Judged is what the row says."""
    row = measurement({**USUAL, "engine": "vLLM", "quantization": "bf16", "engine_version": version, "date": date})
    assert [point.row.request["engine_version"] for point in (*to_fit([row]), *to_judge([row]))] == [read, version]


@pytest.mark.parametrize(
    ("weights", "gpu", "date", "kv"),
    [
        ("fp8", "B200 SXM 180GB", "2026-03-11", ""),
        ("fp8", "B200 SXM 180GB", "2026-04-03", "fp8"),
        ("nvfp4", "B300 SXM 288GB", "2026-04-21", "fp8"),
        ("fp8", "H200 SXM 141GB", "2026-03-27", ""),
        ("fp8", "B200 SXM 180GB", "", ""),
    ],
)
def test_the_kv_format_is_that_of_the_script_of_the_day(weights: str, gpu: str, date: str, kv: str) -> None:
    """silicon's rows do not print it; the scripts that measured them set it on some cards, from some day on."""
    cells = {**USUAL, "engine": "vLLM", "group": "silicon", "model": "MiniMaxAI/MiniMax-M2.5", "quantization": weights}
    row = measurement({**cells, "gpu": gpu, "date": date})
    assert as_installed(row).request["kv_dtype"] == kv
    assert as_installed(row._replace(group="somebody")).request["kv_dtype"] == ""


BURST = {
    **USUAL, "engine": "vLLM", "measurement": "serving", "quantization": "bf16", "concurrency": "4",
    "request_rate": "inf", "num_prompts": "1000", "input_tokens_mean": "128", "output_tokens_mean": "4",
    "output_tok_s_total": "181", "ttft_ms_mean_or_p50": "19392", "tpot_ms_mean_or_p50": "352",
}  # fmt: skip


@pytest.mark.parametrize(
    ("concurrency", "cells"),
    [
        ("", {}),
        ("4", {"ttft_ms_mean_or_p50": "40", "tpot_ms_mean_or_p50": "9"}),
        ("4", {"ttft_ms_mean_or_p50": "40000"}),  # longer than the whole run: the rate leaves the prompts out
        ("4", {"num_prompts": ""}),
        ("4", {"request_rate": ""}),
    ],
)
def test_waits_that_a_thousand_requests_share_are_of_no_four(
    concurrency: str, cells: dict[str, str], tmp_path: Path
) -> None:
    """Where Little's law disproves a stated concurrency, all stated prompts were handed over at once."""
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, BURST)
        writer.writeheader()
        writer.writerow({**BURST, **cells})
    (found,) = read(tmp_path / "rows.csv")
    assert found.request["concurrency"] == concurrency


@pytest.mark.parametrize(
    ("copied", "cells"),
    [
        (True, {"gpu": "H100 SXM 80GB"}),
        (True, {"gpu_count": "8"}),
        (False, {}),  # two runs of one machine
        (False, {"gpu": "H100 SXM 80GB", "output_tok_s_total": "412.83"}),
        (False, {"gpu": "H100 SXM 80GB", "concurrency": "8"}),
        (False, {"gpu": "H100 SXM 80GB", "group": "somebody else"}),
    ],
)
def test_the_same_digits_on_another_machine_are_a_copy(copied: bool, cells: dict[str, str]) -> None:
    """The machine that is named first is believed, and the other neither fitted nor judged."""
    first = {**USUAL, "engine": "vLLM", "quantization": "bf16", "gpu": "A100 SXM 80GB", "output_tok_s_total": "411.83"}
    rows = [measurement(first), measurement({**first, "id": "second", **cells})]
    assert copies(rows) == ({"second"} if copied else set())
    assert len(to_judge(rows)) == 2 - copied


@pytest.mark.parametrize(
    ("copied", "cells"),
    [
        (True, {}),
        (True, {"model": "somebody/Qwen2.5-7B-Instruct-GGUF", "quantization": "IQ4_XS"}),  # one run under two names
        (False, {"ttft_ms_mean_or_p50": "233"}),
        (False, {"input_tokens_mean": "4096"}),
        (False, {"group": "somebody else"}),
    ],
)
def test_a_run_that_was_handed_in_twice_counts_once(copied: bool, cells: dict[str, str]) -> None:
    """Rate and wait are the same to the last digit: the first one stands for both."""
    first = {**USUAL, "output_tok_s_total": "197.26", "ttft_ms_mean_or_p50": "232", "input_tokens_mean": "512"}
    assert copies([measurement(first), measurement({**first, "id": "second", **cells})]) == (
        {"second"} if copied else set()
    )


def test_few_digits_may_be_the_same_by_chance() -> None:
    """22.1 tokens/s on two cards is no copy."""
    cells = {**USUAL, "output_tok_s_total": "22.1"}
    assert not copies([measurement(cells), measurement({**cells, "id": "second", "gpu": "RTX 3090 24GB"})])


@pytest.mark.parametrize(
    ("engine", "gpu", "group", "read"),
    [
        ("vLLM", "MI250", "argonne-vllm", ("MI250 64GB", "4", "4")),
        ("llama.cpp", "MI250", "argonne-llamacpp", ("MI250 64GB", "4", "2")),
        ("llama.cpp", "Intel Max 1550", "argonne-llamacpp", ("Intel Max 1550 64GB", "4", "2")),
        ("vLLM", "Intel Max 1550", "argonne-vllm", ("Intel Max 1550 64GB", "2", "2")),
        ("vLLM", "MI300X 192GB", "argonne-vllm", ("MI300X 192GB", "2", "2")),
        ("vLLM", "MI250", "somebody", ("MI250", "2", "2")),
    ],
)
def test_a_source_that_counts_cards_is_read_by_their_gpus(
    engine: str, gpu: str, group: str, read: tuple[str, str, str]
) -> None:
    """Argonne's two MI250 are four GPUs of 64 GB, and four ranks of vLLM."""
    row = as_installed(
        measurement({**USUAL, "engine": engine, "gpu": gpu, "group": group, "gpu_count": "2", "tp": "2"})
    )
    assert tuple(row.request[name] for name in ("gpu", "gpu_count", "tp")) == read
    (card, *_) = simulate(row.request["gpu"], guess=True).accelerators  # as rows are read
    assert card.memory_bytes == (192 if "300" in gpu else 64 if "64GB" in read[0] else 128) * 2**30

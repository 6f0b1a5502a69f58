"""`advisor predict`: one row in, one row out, names as people write them, and no row stops the others."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.commands.predict import command
from advisor.errors import BadInput
from advisor.predict import OUTPUT_COLUMNS, Prediction, predict
from advisor.predict.rows import COLUMNS

ROW = {
    "id": "a", "engine": "vllm", "gpu": "RTX 4090 24GB", "model": "Qwen/Qwen2.5-7B-Instruct", "quantization": "bf16",
    "mode": "serving", "concurrency": "16", "input_tokens": "256", "output_tokens": "256",
}  # fmt: skip


def ask(*rows: dict[str, str]) -> list[Prediction]:
    """Predictions of rows given as dicts."""
    return list(predict(COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows)))


def one(**changes: str) -> Prediction:
    """The prediction of the usual row with changes."""
    return ask({**ROW, **changes})[0]


def rate(**changes: str) -> float:
    """Its output rate; the row must be supported."""
    answer = one(**changes)
    assert answer.supported, answer.reason
    assert answer.output_tok_s is not None
    return answer.output_tok_s


@pytest.mark.parametrize(
    ("in_flight", "measured"), [("1", 55.0), ("4", 210.0), ("16", 712.0)], ids=["one", "four", "sixteen"]
)
def test_case_c_is_within_a_quarter_of_measured(in_flight: str, measured: float) -> None:
    """Qwen2.5-7B bf16 on an RTX 4090 with vLLM: 55, 210 and 644 to 780 tokens/s were measured."""
    assert rate(concurrency=in_flight) == pytest.approx(measured, rel=0.25)


def test_case_c_at_sixty_four_in_flight_is_within_a_quarter_of_the_measured_8b() -> None:
    """An 8B on the same card gave 2,028 tokens/s at 64 in flight."""
    assert rate(model="meta-llama/Llama-3.1-8B-Instruct", concurrency="64") == pytest.approx(2028, rel=0.25)


def test_case_c_one_stream_is_below_the_roof() -> None:
    """One stream lies between 45 tokens/s and the bandwidth roof of 66, for both engines."""
    assert 45 < rate(concurrency="1") < 66
    assert 45 < rate(engine="ollama", quantization="F16", concurrency="1") < 66


def test_default_ollama_does_not_grow_with_clients() -> None:
    """One slot: 64 in flight give what 4 give, and vLLM gives at least three times that at 4."""
    default = {"engine": "ollama", "quantization": "F16"}
    four = rate(**default, concurrency="4")
    assert rate(**default, concurrency="64") == pytest.approx(four, rel=0.01)
    assert rate(concurrency="4") > 3 * four


def test_case_b_is_within_a_fifth_of_measured() -> None:
    """Llama 70B Q4_K_M on two RTX 4090 with llama.cpp: 19.06 tokens/s."""
    found = rate(
        engine="llama.cpp", gpu_count="2", model="meta-llama/Llama-3.3-70B-Instruct", quantization="Q4_K_M",
        mode="single_stream", concurrency="1", input_tokens="64", output_tokens="1024",
    )  # fmt: skip
    assert found == pytest.approx(19.06, rel=0.2)


@pytest.mark.parametrize(
    "gpu", ["H100 SXM 80GB", "A100 40GB", "RTX 4090 24GB", "MI300X 192GB", "RTX PRO 6000 Blackwell 96GB", "L40S 48GB"]
)
def test_cards_are_known_by_the_names_of_the_measurements(gpu: str) -> None:
    """A card's name may carry its memory."""
    assert rate(gpu=gpu) > 0


@pytest.mark.parametrize(
    ("model", "quantization"),
    [
        ("RedHatAI/Qwen3-14B-FP8-dynamic", ""),
        ("Qwen/Qwen3-14B-AWQ", ""),
        ("anybody/Qwen2.5-7B-Instruct-GPTQ-Int4", ""),
        ("meta-llama/Meta-Llama-3-8B", "FP8"),
    ],
)
def test_quantised_repositories_imply_architecture_and_format(model: str, quantization: str) -> None:
    """A repository of any organisation stands for its base model in the format of its name."""
    assert rate(model=model, quantization=quantization, gpu="H100 SXM 80GB") > 0


def test_the_general_name_of_a_format_means_the_models_own_files() -> None:
    """Kimi K2.5 in "int4" is its checkpoint: experts in 4 bit, attention in 16."""
    big = {"gpu": "H200 SXM 141GB", "gpu_count": "8", "model": "moonshotai/Kimi-K2.5"}
    assert rate(**big, quantization="int4") == rate(**big, quantization="w4a16-g32-moe")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gpu": "RTX 9990"}, "not in the catalogue"),
        ({"model": "nobody/nothing-7b"}, "not in the catalogue"),
        ({"engine": "sglang"}, "ollama, vllm, llama.cpp"),
        ({"quantization": "bf15"}, "not known"),
        ({"quantization": "Q4_K_M"}, "GGUF"),
        ({"concurrency": "many"}, "not a number"),
        ({"concurrency": "-1"}, "must be positive"),
        ({"mode": "batch"}, "serving, offline, single_stream"),
        ({"tp": "4"}, "more than the 1 cards"),
        ({"gpu_count": "1.5"}, "positive whole number"),
        ({"gpu_count": "inf"}, "positive whole number"),
        ({"gpu_count": "1e30"}, "more than 4,096"),
        ({"slots": "inf"}, "positive whole number"),
        ({"input_tokens": "inf"}, "must be finite"),
        ({"output_tokens": "inf"}, "must be finite"),
        ({"concurrency": "inf"}, "must be finite"),
        ({"num_prompts": "inf"}, "must be finite"),
        ({"model": "meta-llama/Llama-3.3-70B-Instruct"}, "does not fit"),
    ],
)
def test_a_row_that_cannot_be_predicted_says_why(changes: dict[str, str], reason: str) -> None:
    """`supported` is false, the reason names what was wrong, and there are no numbers."""
    answer = one(**changes)
    assert not answer.supported
    assert reason in answer.reason
    assert answer.output_tok_s is None


def test_offline_without_a_number_of_requests_is_a_batch_at_saturation() -> None:
    """Neither concurrency nor prompts: as many as the engine runs at once, not one stream."""
    for engine in ({}, {"engine": "llama.cpp", "quantization": "Q4_K_M", "slots": "16"}):
        saturated = rate(**engine, mode="offline", concurrency="")
        assert saturated > 5 * rate(**engine, mode="offline", concurrency="1")
        assert saturated >= 0.9 * rate(**engine, mode="offline", concurrency="", num_prompts="2000")


@pytest.mark.parametrize("written", ["unknown", "Not stated", "n/a", "Qwen3", "Q4_XS"])
def test_a_format_that_says_less_than_the_models_name_leaves_it_to_the_name(written: str) -> None:
    """Neither "unknown" nor a word that was cut out of a file's name contradicts the format in that name."""
    file = {"engine": "llama.cpp", "model": "Qwen3-8B-IQ4_XS-00001-of-00002.gguf"}
    assert rate(**file, quantization=written) == rate(**file, quantization="iq4_xs")


@pytest.mark.parametrize(
    ("model", "written"), [("Qwen3-8B", "Qwen3"), ("Qwen3-8B-Q4_K_M", "Q4_XYZ"), ("phi3:14b", "phi")]
)
def test_a_format_that_nobody_knows_is_refused(model: str, written: str) -> None:
    """A word of the model's name is no format where the name has none, and an unknown one is not passed over."""
    answer = one(engine="llama.cpp", model=model, quantization=written)
    assert not answer.supported
    assert "is not known" in answer.reason


@pytest.mark.parametrize("written", ["AutoRound bf16", "bf16 (unquantised)", "QAT bf16", "BF16", "bf16 (checkpoint)"])
def test_a_format_is_known_with_words_around_it(written: str) -> None:
    """How it was made and what else is said stand beside its name in many results."""
    assert rate(quantization=written) == rate(quantization="bf16")


def test_a_named_processor_is_the_one_that_computes() -> None:
    """In place of a card, and beside one for the layers that do not fit it."""
    small = {"engine": "llama.cpp", "quantization": "Q4_K_M", "mode": "single_stream"}
    fast, slow = (rate(**small, gpu="cpu", cpu=name) for name in ("EPYC 9654", "EPYC 7763"))
    assert fast > slow
    big = {**small, "model": "meta-llama/Llama-3.3-70B-Instruct"}
    assert rate(**big, cpu="EPYC 9654") > rate(**big, cpu="EPYC 7763")


CELLS = st.sampled_from(["", "0", "0.5", "1", "4", "64", "217.3", "1e-9", "1e9", "1e30", "inf", "nan", "-1", "x"])
NUMBERS = (
    "concurrency", "request_rate", "input_tokens", "output_tokens", "slots", "num_prompts", "gpu_count", "tp", "pp",
    "power_limit_watts",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NUMBERS), CELLS),
    st.sampled_from(["vllm", "ollama", "llama.cpp"]),
    st.sampled_from(["serving", "offline", "single_stream"]),
)
def test_any_cell_gets_an_answer_or_a_reason(cells: dict[str, str], engine: str, mode: str) -> None:
    """Whatever stands in a column of numbers, the row comes back: with finite figures, or with the reason."""
    answer = ask({**ROW, "quantization": "", "engine": engine, "mode": mode, **cells})[0]
    if answer.supported:
        assert all(math.isfinite(figure or 0.0) for figure in (answer.output_tok_s, answer.ttft_ms, answer.tpot_ms))
    else:
        assert answer.reason


def test_one_bad_row_does_not_stop_the_rest() -> None:
    """The rows around it are answered, in order."""
    answers = ask(ROW, {**ROW, "id": "b", "gpu": "nonsense"}, {**ROW, "id": "c"})
    assert [(answer.id, answer.supported) for answer in answers] == [("a", True), ("b", False), ("c", True)]


def test_short_rows_are_filled_with_defaults() -> None:
    """A row with fewer cells than the header counts as empty to its right."""
    (answer,) = predict(("engine", "gpu", "model", "concurrency"), [["vllm", "H100 SXM 80GB", "Qwen/Qwen3-8B"]])
    assert answer.supported


def test_a_header_without_a_needed_column_is_bad_input() -> None:
    """The message names what is missing and what is accepted."""
    with pytest.raises(BadInput, match="lacks model"):
        list(predict(("engine", "gpu"), []))


def test_replicas_share_the_load() -> None:
    """Four cards with tp 1 are four replicas: at one in flight only one works, at 64 they give nearly four times."""
    assert rate(gpu_count="4", tp="1", concurrency="1") == pytest.approx(rate(concurrency="1"), rel=0.01)
    assert rate(gpu_count="4", tp="1", concurrency="64") == pytest.approx(4 * rate(concurrency="16"), rel=0.01)


def test_an_open_loop_below_capacity_delivers_what_arrives() -> None:
    """At one request a second the output rate is that of the arrivals."""
    assert rate(concurrency="", request_rate="1") == pytest.approx(256, rel=0.01)


def test_an_open_loop_above_capacity_delivers_capacity() -> None:
    """At a thousand requests a second the card gives what it gives with every slot taken."""
    full = rate(concurrency="", request_rate="1000", num_prompts="2000")
    assert full == pytest.approx(rate(concurrency="", request_rate="inf", num_prompts="2000"), rel=0.02)


def test_all_at_once_makes_the_first_token_wait() -> None:
    """With more prompts than the engine can run at once the mean wait is about half the run."""
    answer = one(concurrency="", request_rate="inf", num_prompts="2000", slots="64")
    run_s = 2000 * 256 / (answer.output_tok_s or math.nan)
    assert answer.ttft_ms == pytest.approx(500 * run_s, rel=0.2)


def test_slots_beyond_the_clients_do_not_matter() -> None:
    """Ollama with 8 slots and 4 clients is as fast as with 4 slots."""
    tuned = {"engine": "ollama", "quantization": "Q4_K_M", "concurrency": "4"}
    assert rate(**tuned, slots="8") == pytest.approx(rate(**tuned, slots="4"), rel=0.02)


def test_older_versions_are_not_faster() -> None:
    """vLLM 0.6 is slower than the pinned version; an unreadable version counts as pinned."""
    assert rate(engine_version="0.6.3", concurrency="1") < rate(concurrency="1")
    assert rate(engine_version="main") == rate()


def test_the_command_writes_the_columns_of_the_contract(tmp_path: Path) -> None:
    """CSV on standard output, one line a row, with the columns that are promised."""
    requests = tmp_path / "rows.csv"
    requests.write_text(",".join(ROW) + "\n" + ",".join(ROW.values()) + "\n", encoding="utf-8")
    result = CliRunner().invoke(command, ["--requests", str(requests)], standalone_mode=False)
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(lines[0]) == OUTPUT_COLUMNS
    assert lines[0]["supported"] == "true"
    assert float(lines[0]["output_tok_s_low"]) < float(lines[0]["output_tok_s"]) < float(lines[0]["output_tok_s_high"])


@pytest.mark.parametrize("changes", [{}, {"output_tokens": "0"}, {"gpu": "RTX 9990"}])
def test_the_csv_says_what_the_json_says(tmp_path: Path, changes: dict[str, str]) -> None:
    """Every column of the header is filled where there is a figure, in both forms."""
    requests, row = tmp_path / "rows.csv", {**ROW, **changes}
    requests.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
    written = [CliRunner().invoke(command, ["--requests", str(requests), *more]).stdout for more in ([], ["--json"])]
    (line,), answer = list(csv.DictReader(io.StringIO(written[0]))), json.loads(written[1])["predictions"][0]
    for name, value in answer.items():
        if isinstance(value, float):
            assert float(line[name]) == pytest.approx(value, rel=1e-4), name
        else:
            told = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            assert line[name] == told, name


@pytest.mark.parametrize("mode", ["serving", "offline", "single_stream"])
@pytest.mark.parametrize("engine", [{}, {"engine": "llama.cpp", "quantization": "Q4_K_M"}])
def test_no_answer_asks_for_the_prompt_alone(mode: str, engine: dict[str, str]) -> None:
    """`output_tokens` 0 is a benchmark of prompts: it waits like an answer of one token and has no rate."""
    prompt, token = (one(**engine, mode=mode, concurrency="1", output_tokens=count) for count in ("0", "1"))
    assert prompt.supported and prompt.ttft_ms == pytest.approx(token.ttft_ms, rel=1e-3)
    assert (prompt.output_tok_s, prompt.output_tok_s_low, prompt.tpot_ms, prompt.tpot_ms_high) == (None,) * 4


def test_json_is_one_document(tmp_path: Path) -> None:
    """`--json` prints one object with every prediction."""
    requests = tmp_path / "rows.csv"
    requests.write_text(",".join(ROW) + "\n" + ",".join(ROW.values()) + "\n", encoding="utf-8")
    result = CliRunner().invoke(command, ["--requests", str(requests), "--json"], standalone_mode=False)
    document = json.loads(result.stdout)
    assert document["predictions"][0]["id"] == "a"


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(BadInput, match=r"nothing\.csv"):
        CliRunner().invoke(
            command, ["--requests", str(tmp_path / "nothing.csv")], standalone_mode=False, catch_exceptions=False
        )


def test_the_first_wave_waits_for_one_another() -> None:
    """All prompts at once wait longest; the more prompts each client sends, the less the first wave counts."""
    found = [one(num_prompts=prompts).ttft_ms for prompts in ("16", "160", "16000")]
    waits = [wait for wait in found if wait is not None]
    assert len(waits) == 3
    assert waits == sorted(waits, reverse=True)
    assert rate(num_prompts="160") == rate(num_prompts="16000")


def test_a_wrapper_without_slots_answers_one_at_a_time() -> None:
    """text-generation-webui around llama.cpp gives no more at four in flight than at one."""
    wrapped = {"engine": "llama.cpp (text-generation-webui)", "quantization": "Q4_K_M"}
    assert rate(**wrapped, concurrency="4") == pytest.approx(rate(**wrapped, concurrency="1"), rel=0.1)
    assert rate(engine="llama.cpp", quantization="Q4_K_M", concurrency="4") > 1.5 * rate(**wrapped, concurrency="4")


def test_an_answer_does_not_depend_on_the_rows_before_it() -> None:
    """The same row asked again, and asked after others, gives the same numbers."""
    rows = [{**ROW, "concurrency": str(n), "input_tokens": str(100 + n)} for n in range(1, 60)]
    forward, backward = ask(*rows), ask(*reversed(rows))
    assert forward == backward[::-1]
    assert ask(*rows, *rows)[len(rows) :] == forward


def test_a_model_that_caches_nothing_does_not_stop_the_rest() -> None:
    """An encoder on vLLM has no KV cache to divide: its row is answered, and so is the one behind it."""
    encoder = {**ROW, "model": "BAAI/bge-base-en-v1.5", "quantization": ""}
    answers = ask(encoder, ROW)
    assert [answer.supported for answer in answers] == [True, True]


@pytest.mark.parametrize("gpu", ["GB10", "Strix Halo 128GB", "Apple M3 Ultra 256GB"])
def test_several_unified_chips_are_predicted(gpu: str) -> None:
    """A row over two joined machines of one chip each is answered; `--gpu` asks for `--nodes` instead."""
    header = ("engine", "gpu", "gpu_count", "model", "quantization", "concurrency")
    engine = "ollama" if gpu.startswith("Apple") else "vllm"
    (answer,) = predict(header, [[engine, gpu, "2", "Qwen/Qwen2.5-7B-Instruct", "", "4"]])
    assert answer.supported, answer.reason

"""What a printed TTFT is: timed from outside, or the engine's own clock; and which prompts came together."""

from __future__ import annotations

import itertools

import pytest

np = pytest.importorskip("numpy", reason="the calibration is a development program and needs NumPy")

from advisor.calibrate.kinds import kinds  # noqa: E402
from advisor.calibrate.points import from_cache, to_fit, to_judge  # noqa: E402
from advisor.calibrate.rows import CLOCKED, Row, as_installed, as_judged, clocked, prefix_cached  # noqa: E402
from advisor.calibrate.validate import Error  # noqa: E402
from advisor.evaluate import measurement  # noqa: E402
from advisor.predict import Prediction, predict  # noqa: E402
from advisor.predict.rows import COLUMNS  # noqa: E402

USUAL = {
    "id": "row", "group": "somebody", "measurement": "single_stream", "gpu": "RTX 4090 24GB", "concurrency": "1",
    "model": "Qwen/Qwen2.5-7B-Instruct", "input_tokens_mean": "512", "output_tokens_mean": "128",
    "output_tok_s_total": "100", "ttft_ms_mean_or_p50": "128", "prefill_tok_s": "4000", "confidence": "high",
}  # fmt: skip


def row(**cells: str) -> Row:
    """A measurement of one stream whose TTFT is its 512 tokens over the 4,000 tokens/s that the engine printed."""
    return measurement({**USUAL, "engine": "Ollama", "quantization": "Q4_K_M", **cells})


@pytest.mark.parametrize(
    ("told", "cells"),
    [
        (True, {}),
        (True, {"engine": "llama.cpp"}),
        (True, {"engine": "llama.cpp (Vulkan)", "ttft_ms_mean_or_p50": "128.9"}),
        (True, {"input_tokens_mean": "37", "prefill_tok_s": "3210.7", "ttft_ms_mean_or_p50": "11.5"}),
        (False, {"ttft_ms_mean_or_p50": "140"}),  # timed: 12 ms more than the prompt took
        (False, {"engine": "vLLM", "quantization": "bf16"}),  # which prints none: the rate was made of the TTFT
        (False, {"measurement": "batched_bench"}),  # where no server is in either
        (False, {"prefill_tok_s": ""}),
        (False, {"input_tokens_mean": ""}),
    ],
)
def test_a_ttft_may_be_the_engines_own_clock(told: bool, cells: dict[str, str]) -> None:
    """Where llama.cpp's server prints its prompt rate and the TTFT is the prompt over it, nobody timed the server."""
    assert clocked(row(**cells)) is told


def test_what_an_engine_clocks_is_judged_as_a_prompt_without_a_server() -> None:
    """The row keeps its rate and loses its TTFT, which is compared with the prompt alone; another row stays whole."""
    timed = row(ttft_ms_mean_or_p50="140")
    kept, prompt, other = as_judged([row(), timed])
    assert (kept.output_tok_s, kept.ttft_ms) == (100.0, None)
    assert (prompt.measurement, prompt.output_tok_s, prompt.ttft_ms) == (CLOCKED, None, 128.0)
    assert prompt.request["mode"] == "offline"
    assert other == timed


def closed(concurrency: str, lengths: str = "", num_prompts: str = "", engine: str = "vllm") -> Prediction:
    """Llama-3.1-8B on an H100 with so many clients."""
    told = {
        "id": "a", "engine": engine, "gpu": "H100 SXM 80GB", "model": "meta-llama/Llama-3.1-8B-Instruct",
        "quantization": "bf16", "input_tokens": "1024", "output_tokens": "256", "mode": "serving",
        "concurrency": concurrency, "lengths": lengths, "num_prompts": num_prompts, "slots": "64",
    }  # fmt: skip
    return next(predict(COLUMNS, [[told.get(name, "") for name in COLUMNS]]))


def waits_ms(concurrency: str, *, lengths: str = "", num_prompts: str = "", engine: str = "vllm") -> float:
    """Until its first token."""
    found = closed(concurrency, lengths, num_prompts, engine).ttft_ms
    assert found is not None
    return found


@pytest.mark.parametrize("concurrency", ["2", "4", "8", "24", "64"])
@pytest.mark.parametrize("engine", ["vllm", "llama.cpp"])
def test_like_requests_of_unknown_number_come_together(concurrency: str, engine: str) -> None:
    """They wait longer than spread ones, which wait longer than those of a long run."""
    alike, spread = waits_ms(concurrency, engine=engine), waits_ms(concurrency, lengths="0.8", engine=engine)
    assert alike > 1.1 * spread
    assert spread >= waits_ms(concurrency, num_prompts="100000", engine=engine)
    assert waits_ms(concurrency, lengths="fixed", engine=engine) == alike


@pytest.mark.parametrize("concurrency", ["2", "8", "64"])
@pytest.mark.parametrize("engine", ["vllm", "llama.cpp"])
def test_how_clients_come_says_nothing_of_rates(concurrency: str, engine: str) -> None:
    """Rate and TPOT of an endless closed loop are the same for like and for nearly like answers."""
    alike, spread = (closed(concurrency, lengths, engine=engine) for lengths in ("fixed", "0.8"))
    assert (alike.output_tok_s, alike.tpot_ms) == (spread.output_tok_s, spread.tpot_ms)


def test_one_client_meets_nobody() -> None:
    """Alone, a request waits as long whether its answers are alike or not."""
    assert waits_ms("1", lengths="fixed") == pytest.approx(waits_ms("1", lengths="0.8"), rel=1e-6)


def batch_ms(size: str, prompt: str = "512") -> float:
    """Until a batched bench of llama.cpp has computed its prompts."""
    told = {
        "id": "a", "engine": "llama.cpp", "gpu": "RTX 4090 24GB", "model": "Qwen/Qwen2.5-7B-Instruct", "mode": "offline",
        "quantization": "Q4_K_M", "input_tokens": prompt, "output_tokens": "32", "concurrency": size, "slots": size,
    }  # fmt: skip
    found = next(predict(COLUMNS, [[told.get(name, "") for name in COLUMNS]])).ttft_ms
    assert found is not None
    return found


@pytest.mark.parametrize("prompt", ["512", "4096"])
def test_a_batched_bench_computes_every_prompt_before_it_decodes(prompt: str) -> None:
    """The first token of all comes after the last prompt: twice the batch, twice the wait."""
    waits = [batch_ms(str(size), prompt) for size in (4, 8, 16, 32)]
    assert all(1.8 < later / sooner < 2.1 for sooner, later in itertools.pairwise(waits)), waits


REPEATED = {
    "engine": "vLLM", "quantization": "awq", "measurement": "serving", "prefill_tok_s": "", "gpu": "DGX Spark (GB10)",
    "model": "openai/gpt-oss-120b", "output_tok_s_total": "30",
}  # fmt: skip


@pytest.mark.parametrize(
    ("cached", "cells"),
    [
        (True, {"ttft_ms_mean_or_p50": "70"}),  # its experts alone take 200 ms to read
        (False, {"ttft_ms_mean_or_p50": "700"}),
        (True, {"gpu": "RTX 3090 24GB", "model": "google/gemma-4-12b-it", "ttft_ms_mean_or_p50": "57"}),
        (False, {"gpu": "RTX 3090 24GB", "model": "google/gemma-4-12b-it", "ttft_ms_mean_or_p50": "400"}),
        (False, {"input_tokens_mean": "1", "ttft_ms_mean_or_p50": "70"}),  # one token wakes four experts
        (False, {"prefix_cached": "y", "ttft_ms_mean_or_p50": "70"}),  # it says so: nothing is left to prove
    ],
)
def test_sooner_than_the_card_can_read_or_multiply_is_from_the_cache(cached: bool, cells: dict[str, str]) -> None:
    """The proof takes the card's peaks, and no more of a mixture of experts than so few tokens must wake."""
    quantization = "awq" if "gemma" in cells.get("model", "") else "mxfp4"
    (point,) = to_judge([row(**{**REPEATED, "quantization": quantization, **cells})])
    assert bool(from_cache([point])) is cached


def test_prompts_that_one_row_shows_to_be_cached_are_cached_in_all_of_vllm() -> None:
    """Its prefix cache is on: a slow row of the same source, model and length waits for something else."""
    fast, slow = {"id": "fast", "ttft_ms_mean_or_p50": "70"}, {"id": "slow", "ttft_ms_mean_or_p50": "2000"}
    cells = {**REPEATED, "quantization": "mxfp4"}
    other = {"id": "other", "group": "somebody else"}
    found = to_judge([row(**{**cells, **one}) for one in (fast, slow, {**slow, **other})])
    assert from_cache(found) == {"fast", "slow"}


@pytest.mark.parametrize(
    ("cached", "cells"),
    [
        (True, {"prefix_cached": "y"}),
        (True, {"notes": "decode rate at a prefilled context (prefix caching on)"}),
        (True, {"dataset": "one synthetic 512-token prompt repeated"}),
        (True, {"dataset": "one synthetic 512-token prompt repeated", "prefix_cached": "unknown"}),
        (False, {"dataset": "one synthetic 512-token prompt repeated", "prefix_cached": "n"}),
        (False, {"dataset": "two fixed prompts"}),
        (False, {"notes": "server flags: --enable-prefix-caching"}),  # which says nothing of the prompts
        (False, {}),
    ],
)
def test_a_prompt_that_its_source_says_was_cached_is_judged_as_one(cached: bool, cells: dict[str, str]) -> None:
    """It counts among those from the cache, by word, and not among those that were computed."""
    one = row(**{"engine": "vLLM", "measurement": "serving", "prefill_tok_s": "", **cells})
    assert prefix_cached(one) is cached
    error = Error(
        one.id, one.group, "vllm", one.measurement, "", "ada", "16", 1.0, True, 0.0, None, 0.1, None, None, False, 100.0,
        100.0,
    )  # fmt: skip
    found = kinds([error], {one.id: one})
    assert ("TTFT, from the cache by its source's word" in found) is cached
    assert ("TTFT, not from the cache" in found) is not cached


@pytest.mark.parametrize(
    ("mode", "cells"),
    [
        ("offline", {"notes": "CUDA graphs off; offline generate(); distinct prompts"}),
        ("single_stream", {"notes": "prefill only, cold"}),
        ("serving", {"notes": "offline generate()", "measurement": "serving"}),
    ],
)
def test_a_first_token_of_a_program_that_calls_the_engine_waits_for_no_server(mode: str, cells: dict[str, str]) -> None:
    """vLLM's offline API has none around the engine, so no latency of one is in what it took."""
    assert as_installed(row(**{"engine": "vLLM", "measurement": "ttft_idle", **cells})).request["mode"] == mode


@pytest.mark.parametrize(("gpu", "judged"), [("Ascend 910B 64GB", 0), ("H100 SXM 80GB", 1), ("MI300X 192GB", 1)])
def test_what_ran_on_a_fork_is_neither_fitted_nor_judged(gpu: str, judged: int) -> None:
    """Cards of a maker that no engine here has a build for were measured with another program."""
    cells = {"engine": "vLLM", "quantization": "bf16", "measurement": "serving", "prefill_tok_s": "", "gpu": gpu}
    one = row(**{**cells, "model": "Qwen/Qwen3-8B"})
    assert len(to_judge([one])) == len(to_fit([one])) == judged

"""`advisor evaluate`: a user's own results against the predictions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor.commands.evaluate import command
from advisor.errors import BadInput
from advisor.evaluate import compare, load_band, read_measurements, summaries

HEADER = (
    "id,engine,gpu,model,quantization,measurement,concurrency,input_tokens_mean,output_tokens_mean,output_tok_s_total"
)
ROWS = (
    "a,vLLM,RTX 4090 24GB,Qwen/Qwen2.5-7B-Instruct,bf16,serving,4,256,256,210",
    "b,Ollama,RTX 4090 24GB,Qwen/Qwen2.5-7B-Instruct,F16,serving,1,256,256,62",
    "c,vLLM,No Such Card,Qwen/Qwen2.5-7B-Instruct,bf16,serving,4,256,256,210",
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A file of three results, one of a card that is not known."""
    path = tmp_path / "mine.csv"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n", encoding="utf-8")
    return path


def test_rows_are_joined_with_predictions(results: Path) -> None:
    """Each row gets its prediction; an unknown card gets the reason instead of an error."""
    compared = compare(read_measurements(results))
    assert [one.predicted.supported for one in compared] == [True, True, False]
    error = compared[0].log_error("output_tok_s")
    assert error is not None and abs(error) < 0.25
    assert compared[2].log_error("output_tok_s") is None


def test_errors_are_summed_up_by_group(results: Path) -> None:
    """One line an engine, with the number of rows that have the figure."""
    found = summaries(compare(read_measurements(results)), lambda one: one.measured.request["engine"], "output_tok_s")
    assert {row.name: row.rows for row in found} == {"vLLM": 1, "Ollama": 1}
    assert all(row.absolute == abs(row.signed) for row in found)


def test_load_bands_follow_the_requests_in_flight(results: Path) -> None:
    """Four in flight are in the band 2-8, one is alone."""
    assert [load_band(one) for one in compare(read_measurements(results))] == ["2-8", "1", "2-8"]


def test_the_page_is_self_contained(results: Path, tmp_path: Path) -> None:
    """The plot is an SVG in the page, and nothing is loaded from elsewhere."""
    page = tmp_path / "errors.html"
    result = CliRunner().invoke(command, [str(results), "--html", str(page)], standalone_mode=False)
    text = page.read_text(encoding="utf-8")
    assert result.exit_code == 0
    assert text.count("<circle") == 2
    assert "://" not in text
    assert "3 rows: 3 judged, 1 without a prediction" in result.stdout


def test_json_names_every_row_without_a_prediction(results: Path) -> None:
    """One document with the errors and the reasons."""
    result = CliRunner().invoke(command, [str(results), "--json"], standalone_mode=False)
    document = json.loads(result.stdout)
    assert [row["id"] for row in document["unsupported"]] == ["c"]
    assert document["errors"]["output rate: all"][0]["rows"] == 2


@pytest.mark.parametrize(
    ("stat", "tpot", "gap"), [("mean", 9.0, None), ("p50 ITL", None, 9.0), ("1000/tg", None, None)]
)
def test_a_median_gap_is_not_taken_for_tpot(tmp_path: Path, stat: str, tpot: float | None, gap: float | None) -> None:
    """The column says what it holds: a mean per token, a median gap between tokens, or the rate once more."""
    path = tmp_path / "mine.csv"
    path.write_text(
        f"engine,gpu,model,tpot_ms_mean_or_p50,tpot_stat\nvllm,L4,Qwen/Qwen3-8B,9.0,{stat}\n", encoding="utf-8"
    )
    (found,) = read_measurements(path)
    assert (found.tpot_ms, found.itl_ms) == (tpot, gap)


def test_a_file_without_figures_is_bad_input(tmp_path: Path) -> None:
    """Names and no measured figure: the message lists the figures that are accepted."""
    path = tmp_path / "empty.csv"
    path.write_text("engine,gpu,model\nvllm,L4,Qwen/Qwen3-8B\n", encoding="utf-8")
    with pytest.raises(BadInput, match="ttft_ms_mean_or_p50"):
        read_measurements(path)


def test_a_file_without_a_card_is_bad_input(tmp_path: Path) -> None:
    """The message names the missing column."""
    path = tmp_path / "cardless.csv"
    path.write_text("engine,model,output_tok_s_total\nvllm,Qwen/Qwen3-8B,10\n", encoding="utf-8")
    with pytest.raises(BadInput, match="lacks gpu"):
        read_measurements(path)

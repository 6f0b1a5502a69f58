"""What was measured as rows of `evaluate`, and nothing of whose machine it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor.commands.measurements import command
from advisor.evaluate import compare, read_measurements
from advisor.measured.entries import Measurement
from advisor.measured.export import COLUMNS, exported
from advisor.measured.store import keep
from tests.benchmark.test_machine import LARGE, TRUTHS, plan_for, probed

CANARY = "canary-of-alice"


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements of each test in a folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / CANARY))


def measured(engine: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> Measurement:
    """A kept measurement."""
    found = probed(plan_for(engine, machine), TRUTHS[0], monkeypatch)
    keep(found)
    return found


@pytest.mark.parametrize(("engine", "machine"), [("vllm", "rtx-4090"), ("ollama", "cpu-2-cores"), ("vllm", "h100-x8")])
def test_evaluate_reads_what_export_writes(
    engine: str, machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every load comes back with its figures, is predicted, and is judged."""
    entry = measured(engine, machine, monkeypatch)
    out = tmp_path / "mine.csv"
    done = CliRunner().invoke(command, ["export", "--out", str(out)])
    assert done.exit_code == 0, done.output
    compared = compare(read_measurements(out))
    assert len(compared) == len(entry.loads)
    for load, one in zip(entry.loads, compared, strict=True):
        assert one.predicted.supported, one.predicted.reason
        assert one.measured.usable
        assert one.measured.output_tok_s == pytest.approx(load.output_tokens_per_s, rel=1e-4)
        assert one.measured.ttft_ms == pytest.approx(1000 * load.ttft_s, rel=1e-4)
        assert one.measured.tpot_ms == pytest.approx(1000 * load.tpot_s, rel=1e-4)


def test_no_name_of_anybody_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in the model, its path, its reference, the version or the folder of the store is in no cell."""
    entry = measured("vllm", "rtx-4090", monkeypatch)
    model = replace(entry.model, path=f"/home/{CANARY}/model", ollama_tag=f"{CANARY}/model")
    candidate = replace(entry.candidate, model_ref=f"/home/{CANARY}/model")
    version = f"0.33.0+{CANARY}"
    keep(replace(entry, id=f"x-{CANARY}", model=model, candidate=candidate, engine_version=version))
    keep(replace(entry, id="y", model=replace(entry.model, hf_id=f"{CANARY}/tuned")))
    done = CliRunner().invoke(command, ["export"])
    assert done.exit_code == 0
    assert CANARY not in done.output and entry.machine not in done.output
    assert f"{len(entry.loads)} of models that the catalogue does not know are left out" in done.output


def test_the_columns_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row has every column and no other, and an empty store gives the header alone."""
    entry = measured("vllm", "rtx-4090", monkeypatch)
    assert all(set(row) == set(COLUMNS) for row in exported([entry]).rows)
    assert exported([]) == ((), 0)


def test_a_file_with_other_content_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--out replaces an earlier export, and nothing else without --force."""
    measured("vllm", "rtx-4090", monkeypatch)
    out = tmp_path / "mine.csv"
    runner = CliRunner()
    for _ in range(2):
        assert runner.invoke(command, ["export", "--out", str(out)]).exit_code == 0
    assert out.read_text().startswith(",".join(COLUMNS))
    out.write_text("mine")
    assert runner.invoke(command, ["export", "--out", str(out)]).exit_code != 0
    assert out.read_text() == "mine"
    assert runner.invoke(command, ["export", "--out", str(out), "--force"]).exit_code == 0
    assert LARGE not in out.read_text()

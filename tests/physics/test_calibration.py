"""The calibration as a program: constants that belong to their inputs, and the same result from run to run."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.catalog import constants

np = pytest.importorskip("numpy", reason="the calibration is a development program and needs NumPy")
pytest.importorskip("scipy", reason="the calibration is a development program and needs SciPy")

from advisor.calibrate import inputs, names, published, stale, unseen  # noqa: E402
from advisor.calibrate.columns import table_of  # noqa: E402
from advisor.calibrate.fit import fit  # noqa: E402
from advisor.calibrate.model import Model  # noqa: E402
from advisor.calibrate.parameters import CPU, CPU_ONLY, complete  # noqa: E402
from advisor.calibrate.points import Point, to_fit  # noqa: E402
from advisor.calibrate.rows import read_all  # noqa: E402
from advisor.calibrate.vector_serving import figures  # noqa: E402
from advisor.calibrate.write import number  # noqa: E402
from advisor.physics.speed.setup import fitted  # noqa: E402

AGAIN = "run `python -m advisor.calibrate FOLDER`"


@pytest.fixture(scope="module")
def measured() -> list[Point]:
    """The published part of the measurements that the constants are fitted to."""
    return to_fit(read_all(published.FOLDER))


def test_the_constants_belong_to_these_measurements() -> None:
    """The hash in speed.yaml is that of the published part: other measurements ask for a new fit."""
    assert constants("speed")["from"]["published"] == published.digest(), AGAIN


def test_the_constants_belong_to_these_parameters() -> None:
    """The hash in speed.yaml is that of the parameters, their bounds and weights."""
    assert constants("speed")["from"]["parameters"] == inputs.parameters_hash(), AGAIN


@pytest.mark.parametrize("engine", stale.ENGINES)
def test_what_is_set_by_hand_stands_in_the_file(engine: str) -> None:
    """The processor's constants, which no fit decides, are those of the program."""
    known = fitted(engine)
    for name, value in complete(engine, dict(known)).items():
        base, _, factor = name.partition(".")
        by_hand = (factor == "cpu" and base in CPU[engine]) or name in CPU_ONLY[engine]
        if by_hand and abs(value - 1.0) > 0.01:
            assert known[name] == pytest.approx(float(number(value)), rel=2e-3), AGAIN


@pytest.mark.parametrize("engine", stale.ENGINES)
def test_the_formulas_are_those_the_constants_were_fitted_with(engine: str, measured: list[Point]) -> None:
    """The squares that the fit left are still left: physics, catalogue and data have not moved under the constants."""
    name = f"{engine}_published_left"
    now = stale.left(engine, measured, measured, fitted(engine))[name]
    assert now == pytest.approx(constants("speed")["from"][name], rel=stale.TOLERANCE), AGAIN


@pytest.mark.parametrize("engine", stale.ENGINES)
def test_many_at_once_are_what_one_after_the_other_is(engine: str, measured: list[Point]) -> None:
    """The columns of the fit give every measurement the prediction that the runtime gives it."""
    mine = [point for point in measured if point.engine == engine]
    model, known = Model(fitted(engine)), figures(table_of(engine, mine), fitted(engine))
    for point, *figures_of_it in zip(mine, *known, strict=True):
        said = model(point)
        assert figures_of_it == pytest.approx([said.rate, said.tpot_s, said.ttft_s, said.gap_s], rel=1e-9), point.row.id


def test_what_is_called_unseen_was_not_fitted() -> None:
    """Every row of benchmarks.csv that comes from one of the two tables is found there again, and left out."""
    seen = read_all(published.FOLDER)
    known = [row for row in seen if row.group in ("silicon", "argonne-vllm") and "Intel" not in row.request["gpu"]]
    everything, rest = (unseen.unseen(published.FOLDER, known) for known in ([], seen))
    assert len(everything) - len(rest) >= len(known) > 400
    assert len(rest) > 2000


def test_changed_measurements_are_called_stale(tmp_path: Path) -> None:
    """Of a folder that the constants were not fitted to, what differs is named; what is the same is not."""
    for name in inputs.MEASUREMENTS:
        (tmp_path / name).write_bytes(b"")
    for name in (names.BENCHMARKS, names.MORE):
        (tmp_path / name).write_bytes((published.FOLDER / name).read_bytes())
    assert [line.split(":")[0] for line in stale.differences(tmp_path)] == [
        "measurements",
        "vllm_left",
        "llamacpp_left",
    ]


@pytest.mark.parametrize(
    ("given", "told"), [((), "required: FOLDER"), ((str(published.FOLDER),), "lacks vllm_gemm_efficiency.csv, matmul")]
)
def test_the_program_says_what_its_folder_lacks(given: tuple[str, ...], told: str) -> None:
    """Without a folder, or with one that holds a part of the measurements, nothing is fitted and the gap is named."""
    command = [sys.executable, "-m", "advisor.calibrate", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_what_is_published_may_be_passed_on(tmp_path: Path) -> None:
    """A source without a permissive licence stays out, and so does every column that no program reads."""
    for name in published.COLUMNS:
        header = [*published.COLUMNS[name], "prose"]
        rows = [{"licence": licence} for licence in ("MIT (repository)", "none stated", "", "NPDL-1.0")]
        with (tmp_path / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, header, restval="x", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    (tmp_path / "out").mkdir()
    with (published.extract(tmp_path, tmp_path / "out") / names.BENCHMARKS).open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["licence"] == "MIT (repository)" and tuple(row) == published.COLUMNS[names.BENCHMARKS]


def test_a_fit_gives_the_same_bytes_again(measured: list[Point]) -> None:
    """Two fits of a part of the measurements print the same constants."""
    few = [
        point
        for point in measured
        if point.engine == "llamacpp" and point.row.group in ("mlc", "tr130", "llama-bench-depth", "strix-halo-guide")
    ]
    first, second = (fit("llamacpp", few, []) for _ in range(2))
    assert [(name, number(value)) for name, value in first.items()] == [
        (name, number(value)) for name, value in second.items()
    ]
    assert len(few) > 50

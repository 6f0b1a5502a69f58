"""The calibration as a program: constants that belong to their inputs, and the same result from run to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.catalog import constants

np = pytest.importorskip("numpy", reason="the calibration is a development program and needs NumPy")
pytest.importorskip("scipy", reason="the calibration is a development program and needs SciPy")

from advisor.calibrate import inputs, unseen  # noqa: E402
from advisor.calibrate.__main__ import to_fit  # noqa: E402
from advisor.calibrate.columns import table_of  # noqa: E402
from advisor.calibrate.fit import cost, fit  # noqa: E402
from advisor.calibrate.parameters import CPU, CPU_ONLY, complete  # noqa: E402
from advisor.calibrate.points import Model, Point  # noqa: E402
from advisor.calibrate.rows import read  # noqa: E402
from advisor.calibrate.vector_serving import figures  # noqa: E402
from advisor.calibrate.write import number  # noqa: E402
from advisor.physics.speed.setup import fitted  # noqa: E402

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ENGINES = ("vllm", "llamacpp")
AGAIN = "run `python -m advisor.calibrate`"
needs_data = pytest.mark.skipif(
    not (DATA / "benchmarks.csv").is_file(), reason="the measurements lie beside the repository only"
)


@pytest.fixture(scope="module")
def measured() -> list[Point]:
    """Every measurement that the constants are fitted to."""
    return to_fit(read(DATA / "benchmarks.csv"))


@needs_data
def test_the_constants_belong_to_these_measurements():
    """The hash in speed.yaml is that of the data: new measurements ask for a new fit."""
    assert constants("speed")["from"]["measurements"] == inputs.hashes(DATA)["measurements"], AGAIN


def test_the_constants_belong_to_these_parameters():
    """The hash in speed.yaml is that of the parameters, their bounds and weights."""
    assert constants("speed")["from"]["parameters"] == inputs.parameters_hash(), AGAIN


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_set_by_hand_stands_in_the_file(engine):
    """The processor's constants, which no fit decides, are those of the program."""
    known = fitted(engine)
    for name, value in complete(engine, dict(known)).items():
        base, _, factor = name.partition(".")
        by_hand = (factor == "cpu" and base in CPU[engine]) or name in CPU_ONLY[engine]
        if by_hand and abs(value - 1.0) > 0.01:
            assert known[name] == pytest.approx(float(number(value)), rel=2e-3), AGAIN


@needs_data
@pytest.mark.parametrize("engine", ENGINES)
def test_the_formulas_are_those_the_constants_were_fitted_with(engine, measured):
    """The squares that the fit left are still left: physics, catalogue and data have not moved under the constants."""
    mine = [point for point in measured if point.engine == engine]
    assert cost(engine, mine, fitted(engine)) == pytest.approx(
        constants("speed")["from"][f"{engine}_left"], rel=2e-3
    ), AGAIN


@needs_data
@pytest.mark.parametrize("engine", ENGINES)
def test_many_at_once_are_what_one_after_the_other_is(engine, measured):
    """The columns of the fit give every measurement the prediction that the runtime gives it."""
    mine = [point for point in measured if point.engine == engine]
    model, known = Model(fitted(engine)), figures(table_of(engine, mine), fitted(engine))
    for point, *figures_of_it in zip(mine, *known, strict=True):
        said = model(point)
        assert figures_of_it == pytest.approx([said.rate, said.tpot_s, said.ttft_s, said.gap_s], rel=1e-9), point.row.id


@needs_data
def test_what_is_called_unseen_was_not_fitted():
    """Every row of benchmarks.csv that comes from one of the two tables is found there again, and left out."""
    seen = read(DATA / "benchmarks.csv")
    known = [row for row in seen if row.group in ("silicon", "argonne-vllm") and "Intel" not in row.request["gpu"]]
    everything, rest = unseen.unseen(DATA, []), unseen.unseen(DATA, seen)
    assert len(everything) - len(rest) >= len(known) > 400
    assert len(rest) > 2000


@needs_data
def test_a_fit_gives_the_same_bytes_again(measured):
    """Two fits of a part of the measurements print the same constants."""
    few = [
        point
        for point in measured
        if point.engine == "llamacpp" and point.row.group in ("mlc", "tr130", "llama-bench-depth")
    ]
    first, second = (fit("llamacpp", few, []) for _ in range(2))
    assert [(name, number(value)) for name, value in first.items()] == [
        (name, number(value)) for name, value in second.items()
    ]
    assert len(few) > 50

"""The fitted constants as they are shipped: every number is a number, and the predictions hold on the data."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from statistics import median

import pytest

import advisor
from advisor.catalog import constants, sources
from advisor.evaluate import DECODE_ONLY, compare, read_measurements
from advisor.physics.speed.device import cpu_device
from advisor.physics.speed.figures import ANALYTIC_SOURCE, CALIBRATED_SOURCE, KNOTS, kinds, spread_of
from advisor.physics.speed.setup import Prepared
from advisor.physics.speed.version import years_old
from advisor.probe.simulate import simulate

PROBED = simulate("RTX 4090")
DATA = Path(advisor.__file__).parent / "calibrate" / "published" / "benchmarks.csv"


def test_every_constant_is_a_positive_number() -> None:
    """PyYAML reads 4e12 as text: none of the constants is."""
    for engine in ("vllm", "llamacpp"):
        assert all(isinstance(value, float) and value > 0 for value in constants("speed")[engine].values())


def test_every_range_is_wider_than_nothing() -> None:
    """Each engine has a width for each kind of device, load and figure, and thin evidence widens it."""
    ranges = constants("speed")["ranges"]
    assert ranges["thin"] > 1
    for engine in ("vllm", "llamacpp"):
        assert set(ranges[engine]) == set(kinds())
        found = [widths for figures in ranges[engine].values() for widths in figures.values()]
        assert all(len(widths) == len(KNOTS) and min(widths) > 1 for widths in found)


@pytest.mark.parametrize("fit", ["vllm", "llamacpp"])
@pytest.mark.parametrize("family", [family for families in kinds().values() for family in families])
def test_ranges_do_not_jump_between_neighbouring_loads(fit: str, family: str) -> None:
    """A tenth more in flight widens or narrows no range by more than a tenth."""
    device = cpu_device(PROBED.cpu)._replace(family=family)
    known = Prepared(fit, None, device, "16", "", 1.0, 0.0, 1, 1, 1.0, 512, 0.0, 1.0)  # type: ignore[arg-type]
    loads = [1.1**power for power in range(80)]
    spreads = [spread_of(known, load) for load in loads]
    for before, after in itertools.pairwise(spreads):
        for one, other in zip(before[:3], after[:3], strict=True):
            assert 1 / 1.1 < one / other < 1.1


def test_the_sources_of_the_figures_exist() -> None:
    """A figure's source key leads to an entry."""
    assert {CALIBRATED_SOURCE, ANALYTIC_SOURCE} <= set(sources())


@pytest.mark.parametrize(
    ("fit", "version", "years"),
    [
        ("vllm", "", 0.0), ("vllm", "0.33.0", 0.0), ("vllm", "0.6.3.post2-0.6.4 dev (Nov 2024)", 2.1),
        ("vllm", "2023-11 (early)", 3.0), ("vllm", "f3e182816", 0.0), ("llamacpp", "b7948", 0.55),
        ("llamacpp", "May 2024 master (llama-bench)", 2.3), ("llamacpp", "0.32.1", 0.05),
    ],
)  # fmt: skip
def test_versions_have_an_age(fit: str, version: str, years: float) -> None:
    """Release numbers, builds and dates are read; what cannot be read counts as pinned."""
    assert years_old(fit, version) == pytest.approx(years, abs=0.15)


def test_nearly_every_row_for_nvidia_amd_and_apple_is_supported() -> None:
    """At least 97 % of the rows that state card and model get a prediction."""
    rows = [row for row in read_measurements(DATA) if row.gpu_class.split("-")[0] in ("nvidia", "amd", "apple")]
    refused = [one for one in compare(rows) if not one.predicted.supported]
    assert len(refused) <= 0.03 * len(rows)


def test_the_fit_holds_on_the_measurements() -> None:
    """Median error of the output rate: at most 18 % serving and 15 % single stream, and no bias beyond 5 %."""
    judged = [one for one in compare(read_measurements(DATA)) if one.measured.usable]
    judged = [one for one in judged if one.measured.littles is None or one.measured.littles >= DECODE_ONLY]
    for mode, most in (("serving", 0.18), ("single_stream", 0.15)):
        errors = [error for one in judged if one.measured.request["mode"] == mode
                  and (error := one.log_error("output_tok_s")) is not None]  # fmt: skip
        assert median([abs(error) for error in errors]) < most
        assert abs(median(errors)) < 0.05


def test_four_in_five_measurements_lie_in_their_range() -> None:
    """Between 75 and 90 % of the measured rates are between low and high."""
    inside = [one.inside for one in compare(read_measurements(DATA)) if one.measured.usable and one.inside is not None]
    assert 0.75 <= sum(inside) / len(inside) <= 0.92


def test_the_data_have_the_columns_that_evaluate_reads() -> None:
    """The schema of the measurements is the one that a user's own file may have."""
    with DATA.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    assert {"engine", "gpu", "model", "measurement", "concurrency", "output_tok_s_total"} <= set(header)

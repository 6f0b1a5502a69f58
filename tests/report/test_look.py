"""How the answer looks: kept at four widths, counted, and free of contradictions."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from advisor.pipeline import recommend
from advisor.report.screen import Screen
from advisor.report.steps import steps
from advisor.report.terminal import Written
from advisor.report.views import view
from tests.report.answers import CASES, QWEN, answer, files, shown

KEPT = ("yes", "no", "both", "running", "several", "embed")
WIDTHS = (60, 80, 100, 120)
SNAPSHOTS = Path(__file__).parent / "snapshots"
MOST_LINES, MOST_WORDS = 45, 350
VIEWS = (None, "full", "settings", "why")


def words(lines: list[str]) -> list[str]:
    """Every word, wherever it stands."""
    return sorted(word.strip(".").lower() for line in lines for word in line.split())


@pytest.mark.golden
@pytest.mark.parametrize("case", KEPT)
@pytest.mark.parametrize("columns", WIDTHS)
def test_the_answer_looks_as_it_is_kept(case: str, columns: int, request: pytest.FixtureRequest) -> None:
    """Every line of the answer at four widths is that of the snapshot; `--update-golden` rewrites it."""
    path, seen = SNAPSHOTS / f"{case}-{columns}.txt", "\n".join(shown(case, min(columns, 100))) + "\n"
    if request.config.getoption("--update-golden"):
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_an_answer_is_short(case: str) -> None:
    """At 80 columns at most 45 lines, the repeated verdict with them, and fewer than 350 words."""
    told = shown(case, 80, rows=24)
    assert len(told) <= MOST_LINES
    assert sum(len(line.split()) for line in told) < MOST_WORDS
    assert sum(len(line.split()) for line in shown(case, 120)) < MOST_WORDS


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("columns", (60, 80, 100))
def test_every_view_fits_and_cuts_no_word(case: str, columns: int) -> None:
    """No line is wider than the screen unless a single word is, and at any width the same words stand there."""
    for name in VIEWS:
        for line in filter(None, shown(case, columns, name)):
            alone = len(line.split()) == 1 or max(len(word) for word in line.split()) > columns - 26
            assert len(line) <= columns or alone, (name, line)
    for name in ("settings", "why"):
        assert words(shown(case, columns, name)) == words(shown(case, 100, name))


@pytest.mark.parametrize("case", CASES)
def test_what_comes_next_is_typed_line_by_line(case: str) -> None:
    """One after the other in one window: the first line goes into the folder, and all name what was written there."""
    told, plan = (
        [shlex.split(command) for command, _ in steps(answer(case), files(case), "a folder")],
        answer(case).plan,
    )
    if plan is None or not answer(case).verdict.meets_targets:
        return
    assert [words[:2] for words in told if "cd" in words] == [["cd", "a folder"]]
    if plan.launch.server == "own":  # else its owner's settings come first
        assert "cd" in told[0]
    named = [
        word.removeprefix("./") for words in told for word in words if word.startswith(("./", "desk/", "kubernetes"))
    ]
    assert all(any(path.startswith(name) for path in files(case)) for name in named), told


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_stands_first_and_last(case: str) -> None:
    """YES or NO begins the answer, and ends it again where the screen is shorter than the answer, and only there."""
    word = "YES" if answer(case).verdict.meets_targets else "NO"
    short, long = shown(case, 80, rows=20), shown(case, 80, rows=200)
    assert short[0].startswith(f"{word}  ") and long[-1] != short[-1]
    assert short[-1].startswith(f"{word}  ")
    assert short[:-1] == long


@pytest.mark.parametrize("case", CASES)
def test_every_answer_shows_its_targets(case: str) -> None:
    """The word "target" stands in every answer, also in that for one person, and each state follows from its figures."""
    told = shown(case, 80)
    assert any("target" in line for line in told)
    winner = answer(case).verdict.winner
    asked = answer(case).workload.ttft_ms
    if winner is None or winner.estimate.peak_speed is None or asked is None:
        return
    line = next(line for line in told if re.match(r" *(first word|one text), p95", line))
    figure, target = winner.estimate.peak_speed.ttft_p95_s, asked / 1000
    state = "misses by" if figure.expected > target else "may miss" if figure.high > target else "ok"
    assert state in line


@pytest.mark.parametrize("case", CASES)
def test_the_chart_reaches_twice_the_planned_load(case: str) -> None:
    """The load axis ends at twice the planned load or beyond, and both marks stand on it."""
    winner, curve = answer(case).verdict.winner, answer(case).verdict.curve
    if winner is None:
        return
    assert curve[-1].in_flight >= 2 * winner.estimate.peak_in_flight
    axis = next(line for line in shown(case, 80) if line.lstrip().startswith("└"))
    assert "^" in axis
    assert "x" in axis or answer(case).verdict.crossover_in_flight is None


@pytest.mark.parametrize("case", CASES)
def test_a_plain_terminal_gets_ascii(case: str) -> None:
    """Without Unicode every character of every view is ASCII, and each engine has a mark of its own."""
    for name in VIEWS:
        assert all(line.isascii() for line in shown(case, 80, name, unicode=False)), name
    assert shown("yes", 80, unicode=False)[10].count("# vLLM") == 1


@pytest.mark.parametrize("case", CASES)
def test_one_output_does_not_contradict_itself(case: str) -> None:
    """One number of full requests, no engine that cannot run beside its figures, no lone engine where both were asked."""
    told = "\n".join(shown(case, 100, "full"))
    if found := re.search(r"([\d,]+) requests? of the full", told):
        assert f"{found[1]} x " in told
    for refused in re.findall(r"(\w+) cannot (?:run|serve)", told):
        assert f"{refused} at peak" not in told
    assert answer(case).workload.engine != "both" or "only one engine" not in told


@pytest.mark.parametrize("case", CASES)
def test_a_remedy_tells_the_figure_that_its_target_is_judged_by(case: str) -> None:
    """The wait behind a remedy is the 95th percentile, within the target that was asked for or that the remedy sets."""
    for change in answer(case).verdict.nearest_yes:
        told = re.search(r"first token ([\d.,]+) (ms|s) \(p95\)", change.result)
        assert told, change.result
        asked = re.search(r"--ttft-ms ([\d.]+)", change.change)
        target = float(asked[1]) if asked else answer(case).workload.ttft_ms
        assert target is None or float(told[1]) * {"ms": 1, "s": 1000}[told[2]] <= target * 1.01


def test_a_compared_engine_is_not_said_to_be_uncompared() -> None:
    """What is never ahead was compared; what was not compared has another reason, and no figures beside it."""
    from advisor.decide import NOT_AHEAD

    slow = recommend(gpu="cpu only 32GB", profile=None, overrides={"users": 1, "model": "qwen3:4b", "offline": True})
    told = " ".join(line.plain for line in view(slow, Written((), None), Screen(columns=80), None))
    assert NOT_AHEAD in slow.verdict.crossover_reason
    assert f"vLLM is {NOT_AHEAD}" in " ".join(told.split()) and "not compared" not in told


def test_what_runs_beside_and_who_asks_at_once_stand_in_the_answer() -> None:
    """A model beside is named with its memory, and slots for a burst are explained by the burst."""
    asked = {"users": 20, "model": "qwen3:14b", "beside": "bge-m3", "offline": True}
    told = [
        line.plain
        for line in view(
            recommend(gpu="L40S", overrides=asked, profile=None), Written((), None), Screen(columns=100), None
        )
    ]
    assert any("BAAI/bge-m3 runs beside on GPU 0: 2.6 GiB stay free for it" in line for line in told)
    crowd = {"burst_users": 30, "model": QWEN, "engine": "vllm", "offline": True}
    told = [
        line.plain
        for line in view(
            recommend(gpu="RTX 4090", overrides=crowd, profile="classroom"),
            Written((), None),
            Screen(columns=100),
            None,
        )
    ]
    assert any("--max-num-seqs" in line and "30 who ask at once" in line for line in told)


@pytest.mark.parametrize("case", CASES)
def test_a_miss_is_told_as_a_part_of_the_target(case: str) -> None:
    """Too few of what should be many are never missed by more than all of it."""
    for line in shown(case, 100):
        if "before it slips" in line and (found := re.search(r"misses by ([\d,]+) %", line)):
            assert int(found[1].replace(",", "")) <= 100, line


@pytest.mark.parametrize("case", CASES)
def test_a_figure_at_the_end_of_the_chart_belongs_to_a_line_that_reaches_it(case: str) -> None:
    """Beside the plot stands no figure of a line that ended before."""
    for line in shown(case, 80):
        if (found := re.match(r" {0,7}[\d,]* *┤(.*?) +[\d,.]+$", line)) and set(found[1]) <= set(" │"):
            raise AssertionError(line)

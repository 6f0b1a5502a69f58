"""`advisor report`: one file that says everything, leads nowhere and runs nothing; read by a real HTML parser."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor.check.outcome import CheckReport, Line
from advisor.cli import app
from advisor.edge.reading import read_json
from advisor.errors import BadInput
from advisor.evaluate import Compared, compare, read_measurements, summary
from advisor.folder.saved import read_plan
from advisor.measured.store import measurements_from
from advisor.pipeline import Answer, recommend
from advisor.render import template_folder
from advisor.report.again import answer_of, command_of
from advisor.report.html import FIRST_LINE, evaluate_page, report_page, smoke_page
from advisor.report.results import CHECKED, SMOKED, Results, keep_check, results_in
from advisor.report.tiles import tiles
from advisor.schema import Plan
from advisor.smoke.outcome import Comparison, SmokeReport, StepResult
from advisor.smoke.report import document
from advisor.wire import from_data, to_json
from tests.hostile.poison import MARK, VISIBLE, local_and_hostile, poisoned, strings, value_at
from tests.report.answers import CASES, answer

GOLDEN = Path(__file__).parents[1] / "golden"
SHOWN = [case for case in CASES if case != "impossible"]
MOST_BYTES = 200_000
VOID = {"meta", "br", "link", "img", "input", "hr"}
RUNS = {"script", "iframe", "object", "embed", "link", "base", "form", "img", "audio", "video", "a"}


class Page(HTMLParser):
    """What a reader of the page sees: its elements, its text, and whether every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it, and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It must close what was opened last."""
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        """Text belongs to the innermost element."""
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    @property
    def text(self) -> str:
        """Everything that is read, without what style sheets say."""
        return " ".join(word for tag, told in self.texts.items() if tag != "style" for word in told)


def smoked() -> SmokeReport:
    """A smoke test with a figure in its range and one beyond it."""
    row = Comparison(
        figure="output rate", in_flight=8, unit="tokens/s", low=300, expected=400, high=520, basis="calibrated",
        measured=410, in_range=True,
    )  # fmt: skip
    late = replace(row, figure="TTFT mean", unit="s", low=0.1, expected=0.2, high=0.4, measured=0.9, in_range=False)
    return SmokeReport(
        plan="small", engine="vllm", engine_version="0.33.0", planned_version="0.33.0", model="m", runner="native",
        began="2026-11-28T10:00:00Z", seconds=240, comparisons=(row, late),
        steps=(StepResult(name="start", result="pass", seconds=70, detail="healthy"),),
    )  # fmt: skip


def checked(plan: Plan) -> CheckReport:
    """A check of which the first line passed and the second failed."""
    lines = tuple(
        Line(
            id=check.id,
            fact=check.fact,
            status="fail" if number else "pass",
            reason="it is not so" if number else "",
            seen="seen-here",
            command=check.command,
            expect=check.expect,
            otherwise=check.otherwise,
        )
        for number, check in enumerate(plan.checks[:2])
    )
    return CheckReport(plan=plan.name, target="native", running=False, lines=lines)


def plan_of(case: str) -> Plan:
    """The plan of an answer that has one."""
    plan = answer(case).plan
    assert plan is not None
    return plan


@cache
def made(case: str) -> str:
    """The page of an answer, with nothing checked or measured."""
    return report_page(answer(case), plan_of(case), "", Results())


def harmless(text: str) -> Page:
    """The page, parsed, which loads nothing, leads nowhere and runs nothing."""
    page = Page(text)
    assert not page.open
    assert not {tag for tag, _ in page.elements} & RUNS
    for tag, attributes in page.elements:
        for name, said in attributes.items():
            assert not name.startswith("on") and name not in ("href", "src", "action", "srcset", "style"), (tag, name)
            assert not re.search(r"javascript:|data:|url\(", said or ""), (tag, name, said)
    assert not re.search(r"@import|url\(", " ".join(page.texts.get("style", [])))
    return page


@pytest.mark.parametrize("case", SHOWN)
def test_a_page_is_complete_small_and_leads_nowhere(case: str) -> None:
    """Verdict, all sections, four tiles, charts and memory stand in one file below 200 kB that fetches nothing."""
    text, found = made(case), answer(case)
    page = harmless(text)
    assert text.startswith(FIRST_LINE) and len(text.encode()) < MOST_BYTES
    headings = page.texts["h2"]
    for name in ("Memory", "Why", "Why not another way", "Settings", "Checklist", "Versions", "Make it again"):
        assert name in headings
    assert len([1 for tag, said in page.elements if said.get("class") == "tile"]) == 4
    drawn = [said.get("class") for tag, said in page.elements if tag == "svg"]
    assert "memory" in drawn and drawn.count("chart") == (2 if found.verdict.curve else 0)
    assert ("YES" if found.verdict.meets_targets else "NO") in page.texts["span"]
    for setting in plan_of(case).settings:
        assert setting.name in page.text and " ".join(setting.because.split()) in page.text
    assert "file:" not in text


@pytest.mark.parametrize("case", SHOWN)
def test_the_plan_within_is_the_plan(case: str) -> None:
    """plan.json, taken out of the page, is read as the same plan."""
    page = Page(made(case))
    (held,) = [text for text in page.texts["pre"] if text.startswith("{")] or ["".join(page.texts["pre"])]
    assert held[held.index("{") :].strip() == to_json(plan_of(case)).strip()


@pytest.mark.parametrize("case", ["yes", "no", "several", "embed", "rate", "mac", "class", "unequal"])
def test_the_command_makes_it_again(case: str) -> None:
    """What the page says to type gives the same plan."""
    words = shlex.split(command_of(plan_of(case)))
    assert words[:2] == ["advisor", "recommend"]
    told = CliRunner().invoke(app, [*words[1:], "--dry-run", "--json", "--measurements", "none"])
    assert told.exit_code in (0, 1), told.output
    again, plan = json.loads(told.stdout)["plan"], plan_of(case)
    assert again["arguments"] == [*plan.launch.program, *plan.launch.argv]


def test_a_no_shows_what_makes_it_a_yes() -> None:
    """The changes stand in the page, and the missed target in its tile."""
    page, found = Page(made("no")), answer("no")
    assert found.verdict.nearest_yes
    for each in found.verdict.nearest_yes:
        assert each.change in page.text
    assert any(tile.kind == "miss" for tile in tiles(found))


def test_every_way_that_lost_says_why() -> None:
    """All of them stand in the page with what told against them."""
    page = Page(made("yes"))
    for judged in answer("yes").verdict.losers:
        assert judged.why_lost in page.text


@pytest.mark.parametrize(
    "scenario", ["a-70b-for-load-on-two-nodes", "one-person-rtx-4090", "both-engines-rtx-4090-pair"]
)
def test_a_saved_plan_becomes_a_page(scenario: str, tmp_path: Path) -> None:
    """From the file alone, also over several machines, for Ollama and for both; asked again, figures are the plan's."""
    path = GOLDEN / scenario / "out" / "plan.json"
    done = CliRunner().invoke(app, ["report", str(path), "--out", str(tmp_path / "r.html"), "--measurements", "none"])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "r.html").read_text()
    assert len(text.encode()) < MOST_BYTES
    page = harmless(text)
    assert read_plan(path).launch.image in page.text


def test_another_answer_of_today_is_told() -> None:
    """Where today's facts give another plan, the page shows the plan's own figures and says so."""
    plan = plan_of("yes")
    way = replace(plan.estimate.candidate, max_in_flight=plan.estimate.candidate.max_in_flight + 1)
    old = replace(plan, estimate=replace(plan.estimate, candidate=way))
    found, note = answer_of(old, measurements_from("none"))
    assert "another one" in note and found.verdict.winner is not None
    assert found.verdict.winner.estimate == old.estimate
    assert all(judged.estimate.candidate != way for judged in found.verdict.losers)
    assert note in Page(report_page(found, old, note, Results())).text


def test_checks_and_measurements_are_shown(tmp_path: Path) -> None:
    """What check and smoke left in the folder is read back, and stands in the page with its result."""
    plan = plan_of("yes")
    keep_check(checked(plan), tmp_path)
    (tmp_path / SMOKED).parent.mkdir()
    (tmp_path / SMOKED).write_text(to_json(document(smoked())))
    found = results_in(tmp_path)
    assert found.check == checked(plan) and found.smoke == smoked() and found.checked
    page = harmless(report_page(answer("yes"), plan, "", found))
    assert "it is not so; seen-here" in page.text and "1 pass, 1 fail" in page.text
    assert "410 tokens/s" in page.text and "out of range" in page.text and "900 ms" in page.text


@pytest.mark.parametrize("name", [CHECKED, SMOKED])
@pytest.mark.parametrize("text", ["[]", "{}", '{"plan": 3}', "no JSON", '{"lines": [{"id": {}}], "comparisons": [3]}'])
def test_a_result_that_is_none_is_refused(name: str, text: str, tmp_path: Path) -> None:
    """A report.json that this program did not write is bad input, and the message names the file."""
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=r"report\.json"):
        results_in(tmp_path)


def test_a_smoke_page_is_of_the_same_style() -> None:
    """It stands alone, is as harmless, and holds the comparison."""
    page = harmless(smoke_page(smoked()))
    assert "output rate" in page.text and "Smoke test of small: passed" in page.texts["h1"]
    assert page.texts["style"] == Page(made("yes")).texts["style"]


@pytest.fixture
def compared(tmp_path: Path) -> list[Compared]:
    """Measurements of two engines, one of them named in a hostile way."""
    rows = f'1,vllm,L4,Qwen/Qwen3-8B,500\n"{VISIBLE.replace(chr(34), chr(34) * 2)}",ollama,L4,Qwen/Qwen3-8B,60\n'
    (tmp_path / "mine.csv").write_text(f"id,engine,gpu,model,output_tok_s_total\n{rows}")
    return compare(read_measurements(tmp_path / "mine.csv"))


def test_an_evaluation_is_of_the_same_style(compared: list[Compared]) -> None:
    """Dots and tables in the style of the report; names are text, and without a rate that is said."""
    tables = {"output rate: all": [summary("all rows", compared, "output_tok_s")]}
    text = evaluate_page(compared, tables, "mine.csv")
    page = harmless(text)
    assert text.startswith(FIRST_LINE) and page.texts["style"] == Page(made("yes")).texts["style"]
    assert [tag for tag, _ in page.elements].count("circle") == 2 and "output rate: all" in page.texts["h2"]
    assert "<script>x</script>" in page.text
    assert "No row has both" in harmless(evaluate_page([], {}, "none.csv")).text


def poisoned_answer() -> tuple[Answer, Plan]:
    """An answer and its plan in which every text that the door lets in is hostile."""
    found = answer("yes")
    plan = from_data(Plan, local_and_hostile(plan_of("yes"), VISIBLE), where="p")
    data = json.loads(to_json(plan))
    for where in list(strings(data)):
        if where[-2:-1] == ("unknown",) or (str(where[-1]) in ("because", "summary", "message", "note", "detail")):
            data = poisoned(data, where, VISIBLE)
    bad = from_data(Plan, data, where="p")
    return replace(found, plan=bad, model=bad.model, hardware=bad.hardware), bad


def test_a_strangers_words_are_text() -> None:
    """Markup, scripts and commands in names and sentences of a plan are shown and are nothing else."""
    found, plan = poisoned_answer()
    clean, dirty = harmless(made("yes")), harmless(report_page(found, plan, VISIBLE, Results()))
    assert "<script>x</script>" in dirty.text
    assert {tag for tag, _ in dirty.elements} == {tag for tag, _ in clean.elements}
    marked = [said for _, attributes in dirty.elements for said in attributes.values() if said and MARK in said]
    assert not marked


def test_unseen_characters_do_not_reach_the_page() -> None:
    """Escapes of a terminal, and what turns the direction of writing, become blanks."""
    report = replace(smoked(), model="a\x1b]0;x\x07\u202eb", plan="x\u2066y\nz")
    assert not re.search("[\x1b\x07\u202e\u2066]", smoke_page(report))


class TestCommand:
    """The command line of it."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder with a plan."""
        (tmp_path / "plan.json").write_text(to_json(plan_of("embed")))
        return tmp_path

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code and what was said, errors too."""
        done = CliRunner().invoke(app, ["report", *words, "--measurements", "none"], standalone_mode=False)
        code = getattr(done.exception, "exit_code", done.return_value)
        return code if isinstance(code, int) else 99, f"{done.output}{done.exception or ''}"

    def test_it_writes_beside_and_again(self, folder: Path) -> None:
        """A page replaces an earlier page; nothing else is left in the folder."""
        out = folder / "report.html"
        assert self.run(str(folder), "--out", str(out))[0] == 0
        assert self.run(str(folder / "plan.json"), "--out", str(out))[0] == 0
        assert sorted(path.name for path in folder.iterdir()) == ["plan.json", "report.html"]

    def test_its_own_input_is_not_overwritten(self, folder: Path) -> None:
        """The plan is refused as output, also by another name of it, and also with --force."""
        before = (folder / "plan.json").read_text()
        for where in (folder, folder / "plan.json"):
            for out in (folder / "plan.json", folder / "." / "plan.json"):
                assert self.run(str(where), "--out", str(out), "--force")[0] == 2
        assert (folder / "plan.json").read_text() == before

    def test_anothers_file_needs_force(self, folder: Path) -> None:
        """A file that is no page of this program stays, unless it is forced."""
        out = folder / "mine.html"
        out.write_text("<!doctype html>\nmine")
        code, said = self.run(str(folder), "--out", str(out))
        assert code == 2 and "--force" in said and out.read_text().endswith("mine")
        assert self.run(str(folder), "--out", str(out), "--force")[0] == 0
        assert out.read_text().startswith(FIRST_LINE)

    def test_json_says_where_and_what(self, folder: Path) -> None:
        """One document, and nothing else on standard output."""
        done = CliRunner().invoke(app, ["report", str(folder), "--out", str(folder / "r.html"), "--json"])
        told = json.loads(done.stdout)
        assert told["report"].endswith("r.html") and told["engine"] == plan_of("embed").engine

    def test_no_plan_is_bad_input(self, tmp_path: Path) -> None:
        """An empty folder, no file, and a file that is no plan."""
        (tmp_path / "x.json").write_text("{}")
        for where in (tmp_path, tmp_path / "none.json", tmp_path / "x.json"):
            assert self.run(str(where), "--out", str(tmp_path / "r.html"))[0] == 2
        assert not (tmp_path / "r.html").exists()


def test_a_kept_check_is_json(tmp_path: Path) -> None:
    """The file that `check` leaves has its time and its counts; a folder that takes none is none the worse for it."""
    report = checked(plan_of("yes"))
    keep_check(report, tmp_path)
    kept = read_json(tmp_path / CHECKED)
    assert kept["ran"] and kept["counts"]["fail"] == 1
    (tmp_path / "file").write_text("")
    keep_check(report, tmp_path / "file")


def test_a_check_writes_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    """Where a stranger's folder has a link in the place of the result's, the result is not kept."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "deploy" / "check").symlink_to(tmp_path / "elsewhere")
    keep_check(checked(plan_of("yes")), tmp_path / "deploy")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_poison_is_there() -> None:
    """The test of strangers' words has words to test."""
    _, plan = poisoned_answer()
    data = json.loads(to_json(plan))
    assert sum(MARK in value_at(data, where) for where in strings(data)) > 20


def before_settings(text: str) -> str:
    """What is read of a page down to its settings."""
    return Page(text.partition("<h2>Settings</h2>")[0]).text


def embed(users: int) -> Answer:
    """A model of vectors on one small card, which so many ask."""
    asked = {"users": users, "model": "BAAI/bge-m3", "offline": True}
    return recommend(profile="embedding", overrides=asked, gpu="T4", measurements="none")


@pytest.mark.parametrize("users", [16, 900])
def test_of_vectors_nobody_reads_a_word(users: int) -> None:
    """What makes vectors takes a text: no first word, no tokens that somebody reads, in no section, for yes and no."""
    found = embed(users)
    assert found.plan is not None and found.verdict.meets_targets is (users == 16)
    text = before_settings(report_page(found, found.plan, "", Results()))
    assert "one text" in text and not re.search(r"first word|first token|tokens/s", text)


@pytest.mark.parametrize("case", SHOWN)
def test_one_of_a_thing_is_not_several(case: str) -> None:
    """No "1 requests", whatever is counted, and no engine is named by its key."""
    text = before_settings(made(case))
    assert not re.search(r"(?<![\d.,])1 (?:requests|users|texts|steps|lines|cards|copies|GPUs)\b", text)
    assert not re.search(r"\b(?:vllm|ollama) on\b", text)


def test_one_step_is_one() -> None:
    """So of a smoke test, which names the engine as its makers do."""
    text = Page(report_page(answer("yes"), plan_of("yes"), "", Results(smoke=smoked()))).text
    assert "1 step" in text and "1 steps" not in text and "vLLM 0.33.0 (native)" in text


@pytest.mark.parametrize("case", SHOWN)
def test_the_thin_line_says_what_it_is(case: str) -> None:
    """A line of what is installed as it comes is told beside its chart, and only there."""
    thin = 'stroke-dasharray="1 4"/><g' in made(case).replace("\n", "")
    assert ("out of the box." in made(case)) is thin


def test_what_gives_less_at_any_load_is_ahead_at_none() -> None:
    """The tile of the other engine does not contradict the sentence below it."""
    found = embed(16)
    other = tiles(found)[-1]
    assert found.verdict.crossover_in_flight == 1.0 and "at any load" in other.detail
    assert other.figure == "gives less at any load"


def test_paper_has_every_colour_and_the_wide_layout() -> None:
    """Whatever theme the screen has, print sets each colour again; the layout of phones is for screens."""
    style = (template_folder() / "html" / "style.css.j2").read_text(encoding="utf-8")
    light, dark, paper = (
        set(re.findall(r"--[\w-]+(?=:)", part)) for part in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    assert light == dark == paper
    assert not re.search(r"@media \(max-width", style) and "@page" in style

"""Every command that reads a stranger's file, and the pages made of one: refused in words, or shown and never obeyed."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

from advisor import cli
from advisor.check.outcome import CheckReport, Line
from advisor.check.show import document
from advisor.edge.terminal import shown
from advisor.folder.door import admit_plan
from advisor.measured.correction import Measurements
from advisor.page import runs_shown
from advisor.page.runs import Run
from advisor.report.again import answer_of
from advisor.report.html import report_page
from advisor.report.results import Results
from advisor.schema import Plan
from advisor.wire import from_data, to_data
from tests.hostile.poison import GOLDEN, MARK, UNSEEN, golden, local_and_hostile, poisoned
from tests.hostile.test_taint import admitted

GOOD = GOLDEN / "one-person-rtx-4090/out/plan.json"
MACHINE = Path(__file__).parents[1] / "hardware/rtx-4090.json"
PLAN = json.loads(GOOD.read_text())
CONTROL = {chr(code) for code in range(32)} - {"\n"} | {"\x7f", "\u202e", "\x9b"}

PLANS = {
    "check": ["check", "DIR"],
    "smoke": ["smoke", "DIR", "--no-load", "--runner", "native"],
    "render": ["render", "FILE"],
    "report of a folder": ["report", "DIR", "--out", "OUT"],
    "report of a plan": ["report", "FILE", "--out", "OUT"],
    "plan diff": ["plan", "diff", "DIR", str(GOOD)],
    "plan diff, the other way": ["plan", "diff", str(GOOD), "FILE"],
    "compare": ["compare", "FILE", str(GOOD)],
    "compare, the other way": ["compare", str(GOOD), "DIR"],
}


def changed(*where: str, to: Any) -> str:
    """The plan with another value."""
    return json.dumps(poisoned(PLAN, where, to))


ODD_PLANS: dict[str, str | bytes | None] = {
    "a hostile name": changed("name", to=UNSEEN),
    "a hostile version": changed("engine_version", to=f"1;touch {MARK};"),
    "a hostile variable": changed("launch", "env", next(iter(PLAN["launch"]["env"])), to=UNSEEN),
    "a hostile image": changed("launch", "image", to=f"$(touch {MARK})"),
    "a hostile sentence": changed("summary", to="\x1b]0;x\x07<script>"),
    "too many nodes": changed("estimate", "candidate", "nodes", to=10**18),
    "an infinite load": changed("in_flight", to=float("inf")),
    "another type": changed("launch", to=[1]),
    "deep": "[" * 100_000,
    "no JSON": "\x1b[2J",
    "nothing": "",
    "another encoding": b"\xff\xfe{\x00}\x00",
    "a pipe": None,
}


def ended(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code and both streams of a command."""
    began = time.process_time()
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert time.process_time() - began < 4.0, arguments
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Exit code 2 and a message, nothing that a terminal obeys, nothing written or run."""
    code, out, err = ended(arguments, capsys)
    assert code == 2 and out.count("\n") <= 1, (arguments, out[:200], err[:400])  # predict tells its columns first
    assert "advisor: " in err and "Traceback" not in err and not CONTROL & set(err), err
    assert all(len(line) < 700 for line in err.splitlines())
    assert not list(folder.rglob(f"*{MARK}*")) and not (folder / "out.html").exists()


def put(path: Path, content: str | bytes | None) -> None:
    """A file with that, or a pipe for None, in place of what was there."""
    path.unlink(missing_ok=True)
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("command", PLANS)
def test_no_command_takes_an_odd_plan(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the command, a plan that this program would not write is refused before anything is done."""
    names = {"DIR": str(tmp_path), "FILE": str(tmp_path / "plan.json"), "OUT": str(tmp_path / "out.html")}
    arguments = [names.get(word, word) for word in PLANS[command]]
    for content in ODD_PLANS.values():
        put(tmp_path / "plan.json", content)
        refused(arguments, capsys, tmp_path)


MODEL = ["--model", "Qwen/Qwen2.5-7B-Instruct", "--offline"]
FILES: dict[str, list[str]] = {
    "recommend --profile": ["recommend", "--profile", "FILE", "--gpu", "T4", "--dry-run", *MODEL],
    "size --profile": ["size", "--profile", "FILE", *MODEL],
    "capacity --profile": ["capacity", "--profile", "FILE", "--gpu", "T4", *MODEL],
    "compare --profile": ["compare", "T4", "L4", "--profile", "FILE", *MODEL],
    "recommend --hardware": ["recommend", "--hardware", "FILE", "--dry-run", *MODEL],
    "capacity --hardware": ["capacity", "--hardware", "FILE", *MODEL],
    "compare --hardware": ["compare", "ollama", "vllm", "--hardware", "FILE", *MODEL],
    "recommend --measurements": ["recommend", "--measurements", "FILE", "--gpu", "T4", "--dry-run", *MODEL],
    "report --measurements": ["report", str(GOOD), "--measurements", "FILE", "--out", "OUT"],
    "workload": ["workload", "FILE"],
    "predict": ["predict", "--requests", "FILE"],
    "evaluate": ["evaluate", "FILE"],
    "catalog update": ["catalog", "update", "--from", "FILE"],
}
ODD_FILES: dict[str, bytes | None] = {
    "escapes": b'"\x1b]0;x\x07\x1b[2J": 1\n',
    "deep": b"[" * 100_000,
    "not a number": b'{"cpu": NaN, "loads": [NaN]}',
    "zeros": b"\x00" * 100_000,
    "another encoding": "Größe: 1\n".encode("latin-1"),
    "one long line": b"x" * 3_000_000,
    "a pipe": None,
}


@pytest.mark.parametrize("command", FILES)
def test_no_command_takes_an_odd_file(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Profile, machine, measurements, log, CSV, bundle: what is none is refused by each command that reads one."""
    names = {"FILE": str(tmp_path / "file"), "OUT": str(tmp_path / "out.html")}
    arguments = [names.get(word, word) for word in FILES[command]]
    for content in ODD_FILES.values():
        put(tmp_path / "file", content)
        refused(arguments, capsys, tmp_path)


class Seen(HTMLParser):
    """Tags and what in them acts, in order; texts are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.live: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and whatever in it could run or lead away."""
        self.tags.append(tag)
        self.live += [name for name, _ in attrs if name.startswith("on") or name in ("srcdoc", "action", "formaction")]
        self.live += [
            said for name, said in attrs if name in ("href", "src") and said and not said.startswith(("#", "data:"))
        ]
        self.live += [tag] if tag in ("script", "iframe", "object", "embed", "form", "base", "meta") else []


def seen(page: str) -> Seen:
    """What a browser finds in a page."""
    found = Seen()
    found.feed(page)
    return found


def report_of(data: Any) -> str:
    """The report's page of a plan in plain data, through the door."""
    plan = admit_plan(from_data(Plan, data, where="p"), "p")
    answer, note = answer_of(plan, Measurements(), lambda _: None)
    return report_page(answer, plan, note, Results())


def test_a_report_shows_a_strangers_words(tmp_path: Path) -> None:
    """Every text that the door lets in, hostile: the page has the tags of the clean one, and nothing more that acts."""
    plan = golden("one-person-rtx-4090")
    data, places = admitted(plan)
    for where in sorted(places, key=lambda where: str(where[-1]).startswith("key:")):
        data = poisoned(data, where, "x'\"><script>x</script><img src=x onerror=x>")
    hostile, clean = seen(report_of(data)), seen(report_of(local_and_hostile(plan, "/srv/models/small")))
    assert sorted(set(hostile.live)) == sorted(set(clean.live))
    assert "img" not in hostile.tags and hostile.tags.count("script") == clean.tags.count("script")


@pytest.mark.parametrize("kind", ["check", "smoke"])
def test_the_page_shows_what_a_run_said(kind: str) -> None:
    """Lines and results of a run on the page are text, whatever is in them."""
    said = "<script>x</script>\"'><img src=x onerror=x>"
    line = Line(
        id=said, fact=said, status="fail", reason=said, seen=said, command=said, expect=said, otherwise=said, why=said
    )  # fmt: skip
    lines = (line, replace(line, status="pass"), replace(line, status="skipped"))
    report = document(CheckReport(plan=said, target=said, running=False, lines=lines))
    report |= {"steps": [{"name": said, "result": said, "seconds": 1.0, "detail": said}]}
    run = Run(said, kind, said, cast(Any, None), lines=deque([said]), code=1, report=report)
    page = seen(str(runs_shown.shown(run)))
    assert not {"script", "img"} & set(page.tags) and not page.live, page.live


def test_what_is_shown_of_a_value_is_short_and_dead() -> None:
    """A message repeats at most 80 characters, none of which a terminal obeys."""
    assert len(shown(UNSEEN * 50)) < 130 and not CONTROL & set(shown(UNSEEN))


def test_a_plan_is_the_same_for_every_command() -> None:
    """What the commands are tried with is a plan that passes once nothing in it is odd."""
    assert admit_plan(from_data(Plan, to_data(from_data(Plan, PLAN, where="p")), where="p"), "p").name == PLAN["name"]

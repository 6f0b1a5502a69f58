"""A stranger's folder: check executes nothing of it, and smoke runs it only when it is what the plan renders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.catalog import constants
from advisor.check.compose import own_compose
from advisor.deploy import carry
from advisor.edge.children import run
from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.folder.saved import plan_in, read_plan
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from advisor.plan import checks_of
from advisor.schema import Plan, Setting
from advisor.smoke.envfile import assignments
from advisor.smoke.trust import require_ours
from advisor.smoke.unplanned import unplanned
from advisor.wire import to_json
from tests.hostile.poison import GOLDEN, golden

SCENARIOS = sorted(path.parents[1].name for path in GOLDEN.glob("*/out/plan.json"))


@pytest.fixture
def deployed(tmp_path: Path) -> tuple[Plan, Path]:
    """A plan with all its parts, and its folder."""
    plan = golden("case-a-llama-8b-h100")
    write_tree(tmp_path / "out", files_of(plan), overwrite=False)
    return plan, tmp_path / "out"


def appended(name: str, text: str) -> Callable[[Path], None]:
    """Something added to a file of the folder, which may be new."""

    def change(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(text)

    return change


def linked(folder: Path) -> None:
    """A script that is a link to another."""
    (folder / "run.sh").rename(folder / "other.sh")
    (folder / "run.sh").symlink_to("other.sh")


def programs(folder: Path) -> None:
    """A program where run.sh looks first."""
    (folder / "state/bin").mkdir(parents=True)
    (folder / "state/bin/curl").write_text("#!/bin/sh\ntouch PWNED\n")


FOREIGN: dict[str, Callable[[Path], None]] = {
    "run.sh": appended("run.sh", "\ntouch PWNED\n"),
    "stop.sh": appended("stop.sh", "\n"),
    "compose.yaml": appended("compose.yaml", "include: [https://example.org/compose.git]\n"),
    "gateway/Caddyfile": appended("gateway/Caddyfile", "import /etc/other\n"),
    "run.sh is a link": linked,
    "an override": appended("compose.override.yaml", "services: {}\n"),
    "an override of the old name": appended("docker-compose.override.yml", "services: {}\n"),
    "a command in .env": appended(".env", "HF_TOKEN=$(touch PWNED)\n"),
    "a line that is a command": appended(".env", "touch PWNED\n"),
    "a command behind a value": appended("engine.env", "HF_HOME=/x; touch PWNED\n"),
    "a library to load": appended("engine.env", "LD_PRELOAD=./x.so\n"),
    "another PATH": appended(".env", "PATH=.\n"),
    "another folder of programs": appended(".env", "ADVISOR_PROGRAMS=./bin\n"),
    "a program before all others": programs,
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_smoke_refuses_what_the_plan_does_not_render(
    change: Callable[[Path], None], deployed: tuple[Plan, Path]
) -> None:
    """A changed script, an override or code in a sourced file: refused, with the option that trusts it."""
    plan, folder = deployed
    change(folder)
    with pytest.raises(BadInput, match="--trust-files"):
        require_ours(plan, folder)


def test_smoke_takes_a_folder_of_ours(deployed: tuple[Plan, Path]) -> None:
    """What was rendered, with what .env.example asks for filled in and notes of one's own, needs no trust."""
    plan, folder = deployed
    (folder / "engine.env").write_text("HF_HUB_OFFLINE=1\nHF_HOME=/srv/models\n")  # the first line by fetch.sh
    (folder / ".env").write_text(
        "# mine\nHF_TOKEN='hf_x'\nADVISOR_API_KEY=\"0123456789abcdef\"\nexport ADVISOR_BIND=0.0.0.0\n\n"
    )
    (folder / "README.md").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    require_ours(plan, folder)


def setting(name: str, value: str | None) -> Callable[[Plan], Plan]:
    """A plan with one setting more, or another, and the launch that follows from it."""
    kind: Any = "flag" if name.startswith("-") else "env"
    return changed(name, Setting(name=name, kind=kind, value=value, because="x", source="measured-here"))


def changed(name: str, *instead: Setting) -> Callable[[Plan], Plan]:
    """A plan with these in place of a setting, or without it, and the launch that follows from them."""

    def change(plan: Plan) -> Plan:
        settings = (*(each for each in plan.settings if each.name != name), *instead)
        engine, facts = ENGINES[plan.engine], (plan.hardware, plan.workload, plan.model)
        return replace(plan, settings=settings, launch=engine.launch(plan.estimate, settings, *facts))

    return change


def launched(**fields: str) -> Callable[[Plan], Plan]:
    """A plan with other fields of its launch."""
    return lambda plan: replace(plan, launch=replace(plan.launch, **fields))  # type: ignore[arg-type]


OF_THE_PLAN: dict[str, Callable[[Plan], Plan]] = {
    "a stranger's image": launched(image="stranger/vllm-openai:v0.33.0"),
    "a stranger's registry": launched(image="registry.example.org:5000/vllm/vllm-openai:v0.33.0"),
    "open to all": launched(bind="0.0.0.0"),
    "listening everywhere": setting("--host", "0.0.0.0"),
    "listening where the engine does by itself": changed("--host"),
    "Python of the repository": setting("--trust-remote-code", None),
    "a template of theirs": setting("--chat-template", "/tmp/x.jinja"),
    "a drafter of theirs": setting("--speculative-config", '{"method": "eagle3", "model": "stranger/drafter"}'),
    "weights that are unpickled": setting("--load-format", "pt"),
}


@pytest.mark.parametrize("change", OF_THE_PLAN.values(), ids=OF_THE_PLAN)
def test_a_plan_of_a_stranger_starts_nothing_of_theirs(change: Callable[[Plan], Plan], tmp_path: Path) -> None:
    """Where the door lets a plan name code, weights or addresses of its own, it is not started without being trusted.

    So it is where the plan is that of a desk, and for every other golden plan nothing of that kind is told.
    """
    plan = change(golden("case-a-llama-8b-h100"))
    write_tree(tmp_path / "out", files_of(plan), overwrite=False)
    assert plan_in(tmp_path / "out").launch == plan.launch, "the door is no longer open for it: take the case away"
    with pytest.raises(BadInput, match=r"plan\.json .*--trust-files"):
        require_ours(plan, tmp_path / "out")
    assert tuple(unplanned(replace(golden("one-person-rtx-4090"), desk=plan)))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_opens_something_cannot_be_left_out(scenario: str) -> None:
    """Each planned setting that chooses code, weights or an address is missed where a plan goes without it."""
    plan = golden(scenario)
    opens = {name for name, entry in constants("settings").items() if entry.get("opens") == "unplanned"}
    told = {name: list(unplanned(changed(name)(plan))) for name in opens & {each.name for each in plan.settings}}
    assert told
    for name, lines in told.items():
        assert any(f"leaves out {name}, where" in line for line in lines), name


def test_who_renders_or_checks_a_plan_of_a_stranger_is_told(tmp_path: Path) -> None:
    """Nothing is started by these commands, but README.md says what to type: what is not ours is named first."""
    plan = launched(image="stranger/vllm-openai:v0.33.0")(golden("case-a-llama-8b-h100"))
    (tmp_path / "plan.json").write_text(to_json(plan))
    for words in (["render", "plan.json", "--out", "d"], ["check", "d"]):
        done = run([sys.executable, "-m", "advisor.cli", *words], cwd=tmp_path, limit_s=120)
        assert "before you start it: plan.json names the image 'stranger/vllm-openai:v0.33.0'" in done.err, done


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_plan_of_ours_is_started_as_it_is(scenario: str) -> None:
    """No plan that this program makes has anything of that kind, but for Python of a repository."""
    plan = read_plan(GOLDEN / scenario / "out/plan.json")
    assert [each for each in unplanned(plan) if "trust-remote-code" not in each] == []


def test_a_sourced_file_is_read_as_data() -> None:
    """Plain assignments give variables; whatever a shell would expand or run is told apart."""
    found, others = assignments("A=1\nexport B='x y'\nC=\"$HOME\"\n# D=1\nE=`id`\nF=a;b\nG=\n H=2 # two\n")
    assert found == {"A": "1", "B": "x y", "G": "", "H": "2"}
    assert others == ('C="$HOME"', "E=`id`", "F=a;b")


def test_no_line_of_the_checklist_sources_or_runs_a_file_of_the_folder() -> None:
    """No command begins or goes on with `.`, `source`, a script of the folder, or eval."""
    for scenario in ("deepseek-on-two-nodes", "case-a-llama-8b-h100", "one-person-rtx-4090"):
        for check in checks_of(golden(scenario)):
            words = (check.command or "").replace(";", " ; ").replace("&&", " ; ").split()
            starts = [
                word for before, word in zip([";", *words], words, strict=False) if before in (";", "||", "|", "{")
            ]
            assert not {".", "source", "eval", "bash", "sh"} & set(starts), check.id
            assert not any(word.startswith("./") for word in starts), check.id


def test_the_addresses_of_machines_are_data(tmp_path: Path) -> None:
    """The line on nodes/nodes.env counts its addresses, and what else stands there is not executed."""
    (line,) = (check for check in checks_of(golden("deepseek-on-two-nodes")) if check.id == "nodes-addresses")
    (tmp_path / "nodes").mkdir()
    for text, code in (('ADVISOR_NODES="10.0.0.1 10.0.0.2"', 0), ("ADVISOR_NODES='* $(touch PWNED)'\ntouch PWNED", 1)):
        (tmp_path / "nodes" / "nodes.env").write_text(f"{text}\n")
        done = subprocess.run(["bash", "-c", line.command or ""], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == code
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["nodes.env"]


def test_compose_reads_a_file_that_was_rendered_here(deployed: tuple[Plan, Path]) -> None:
    """During a check Compose's file is the plan's own, outside the folder, and gone afterwards."""
    plan, folder = deployed
    appended("compose.yaml", "include: [https://example.org/compose.git]\n")(folder)
    with own_compose(plan) as variables:
        file = Path(variables["COMPOSE_FILE"])
        assert folder not in file.parents and "include:" not in file.read_text()
        assert variables["COMPOSE_DISABLE_ENV_FILE"] == "1" and variables["COMPOSE_ENV_FILES"] == os.devnull
    assert not file.exists()


ZEROS = "0" * 64


def _linked(carry: Path) -> None:
    (carry / "weights").symlink_to("/dev/zero")
    (carry / "SHA256SUMS").write_text(f"{ZEROS}  ./weights\n")


def _piped(carry: Path) -> None:
    os.mkfifo(carry / "p")
    (carry / "SHA256SUMS").write_text(f"{ZEROS}  ./p\n")


SUMS: dict[str, Callable[[Path], object]] = {
    "a device": lambda carry: (carry / "SHA256SUMS").write_text(f"{ZEROS}  /dev/zero\n"),
    "a file outside": lambda carry: (carry / "SHA256SUMS").write_text(f"{ZEROS}  ../../plan.json\n"),
    "a link to a device": _linked,
    "a pipe": _piped,
    "the list is a device": lambda carry: (carry / "SHA256SUMS").symlink_to("/dev/zero"),
    "the list is a pipe": lambda carry: os.mkfifo(carry / "SHA256SUMS"),
    "another form of the list": lambda carry: (carry / "SHA256SUMS").write_text(f"SHA256 (/dev/zero) = {ZEROS}\n"),
    "wrong": lambda carry: (carry / "SHA256SUMS").write_text(f"{ZEROS}  ./whole\n"),
    "no list": lambda carry: None,
}


@pytest.mark.parametrize("make", SUMS.values(), ids=SUMS)
def test_sums_of_a_stranger_read_nothing_but_what_was_carried(make: Callable[[Path], object], tmp_path: Path) -> None:
    """A list of sums that names a device, a pipe, a link or a file outside fails at once, and reads none of them."""
    (line,) = carry.checks(golden("one-person-rtx-4090"))
    (tmp_path / "offline/carry").mkdir(parents=True)
    (tmp_path / "offline/carry/whole").write_text("whole\n")
    make(tmp_path / "offline/carry")
    done = run(["bash", "-c", line.command or ""], cwd=tmp_path, limit_s=10, merged=True)
    assert done.code == 1, done


def test_what_was_carried_whole_passes(tmp_path: Path) -> None:
    """Files as save.sh lists them pass, odd names of weights included; so does a folder to which nothing was carried."""
    (line,) = carry.checks(golden("one-person-rtx-4090"))
    assert run(["bash", "-c", line.command or ""], cwd=tmp_path, limit_s=10) == (0, "", "")
    folder = tmp_path / "offline/carry"
    (folder / "weights a/b[1]").mkdir(parents=True)
    for name in ("weights a/b[1]/x.bin", "-n", "weights a/%s*.bin"):
        (folder / name).write_text(name)
    listed = (
        "find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 -r sha256sum >../sums; mv ../sums SHA256SUMS"
    )
    subprocess.run(["bash", "-c", listed], cwd=folder, check=True)
    assert run(["bash", "-c", line.command or ""], cwd=tmp_path, limit_s=10, merged=True) == (0, "", "")

"""Odd files in a folder of a stranger, in the user's own folders, and as arguments: refused at once, or passed over."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor import __file__ as package
from advisor.check.run import check_folder
from advisor.edge.children import run
from advisor.errors import BadInput
from advisor.folder.contents import admit_contents
from advisor.folder.write import MANIFEST, write_tree
from advisor.pipeline import files_of
from advisor.plan import checks_of
from advisor.report.screen import screen
from advisor.schema import Plan
from advisor.smoke.runners.base import read_text
from advisor.smoke.trust import require_ours
from advisor.units import whole
from tests.hostile.poison import golden

ROOT = Path(package).parent
# Where files are opened by themselves, and why none of them is a stranger's.
OPENS = {
    "bundles/contents.py": "data of the wheel",
    "catalog/__init__.py": "data of the wheel, or of a bundle that was checked when it was taken",
    "catalog/versions.py": "data of the wheel",
    "catalog/bundle.py": "the same",
    "catalog/kept.py": "this user's own cache, whose folder nobody else may write",
    "edge/reading.py": "the door itself",
    "edge/children.py": "/proc",
    "edge/terminal.py": "standard output",
    "folder/atomic.py": "a name of its own that did not exist before",
    "folder/lock.py": "a folder, never a file",
    "folder/write.py": "a name of its own that did not exist before",
    "page/views.py": "files of the wheel",
    "probe/assumed_host.py": "data of the wheel",
    "probe/cpu_rates.py": "data of the wheel",
    "probe/engines.py": "metadata of Python packages that are installed here",
    "probe/host.py": "/proc, /sys and files of the system",
    "probe/pci.py": "data of the wheel",
    "smoke/runners/processes.py": "/proc",
    "smoke/runners/starter.py": "its own record of what a script says",
    "smoke/steps/starting.py": "/proc",
    "engines/ollama/runners.py": "/proc",
}
NOT_A_FILE = {"Nvml", "_direct()", "urllib.request", "webbrowser", "tarfile", "packed", "self"}


def opening(tree: ast.AST) -> list[str]:
    """What opens a file by its name."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [each.id for each in calls if isinstance(each, ast.Name) and each.id == "open"]
    methods = [each for each in calls if isinstance(each, ast.Attribute)]
    named = [(each.attr, ast.unparse(each.value)) for each in methods]
    return found + [
        f"{of}.{name}"
        for name, of in named
        if (name in ("read_text", "read_bytes") and of not in ("atomic", "reading"))
        or (name == "open" and of not in NOT_A_FILE)
    ]


def test_files_are_opened_in_one_place() -> None:
    """Whatever may be a stranger's file is opened by `edge.reading`; who opens one otherwise has a reason in the table."""
    found = {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        if file.relative_to(ROOT).parts[0] not in ("refresh", "calibrate") and opening(ast.parse(file.read_text()))
    }
    assert found == set(OPENS), (found - set(OPENS), set(OPENS) - found)


# Who reads JSON or digits by themselves, and why neither is a stranger's.
TRUSTED = {
    "json.loads": {
        "catalog/versions.py", "edge/reading.py", "engines/vllm/supplies.py", "page/api.py",
        "probe/assumed_host.py", "probe/cpu_rates.py", "probe/pci.py",
    },
    "isdigit": {"units.py", "catalog/gpu_text.py", "models/match.py"},  # the last two ask only whether it is a digit
}  # fmt: skip


@pytest.mark.parametrize("call", TRUSTED)
def test_what_is_said_is_read_in_one_place(call: str) -> None:
    """JSON goes through `parse_json` and digits through `whole`: depth, NaN, "²" and 5,000 digits are thought of once."""
    files = (file for file in ROOT.rglob("*.py") if file.relative_to(ROOT).parts[0] not in ("refresh", "calibrate"))
    found = {str(file.relative_to(ROOT)) for file in files if f"{call}(" in file.read_text()}
    assert found == TRUSTED[call], found ^ TRUSTED[call]


@pytest.mark.parametrize("text", ["²", "٣" * 2, "9" * 5_000, "1" * 31, "", " 1", "-1", "1_0", "\x001"])
def test_a_whole_number_is_a_few_plain_digits(text: str) -> None:
    """What Python calls a digit or reads as a number, and no program of ours writes, is none."""
    assert whole(text) is None


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
def test_an_odd_size_of_a_terminal_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A width that is no number counts as not given."""
    monkeypatch.setenv(name, "²")
    assert screen().columns > 0


@pytest.fixture
def deployed(tmp_path: Path) -> tuple[Plan, Path]:
    """A plan with all its parts, and its folder."""
    plan = golden("case-a-llama-8b-h100")
    write_tree(tmp_path / "out", files_of(plan), overwrite=False)
    return plan, tmp_path / "out"


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": lambda path: os.mkfifo(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a file without end": _large,
}
PLACES = (
    ".env",
    "engine.env",
    "grafana.env",
    MANIFEST,
    "state/engine.pid",
    "nodes/nodes.env",
    "offline/carry/SHA256SUMS",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_a_folder_is_refused_before_anything_is_read(
    make: Callable[[Path], object], place: str, deployed: tuple[Plan, Path]
) -> None:
    """Where a line of the checklist or a script would wait, or read for ever: exit code 2 with the file, at once."""
    plan, folder = deployed
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).unlink(missing_ok=True)
    make(folder / place)
    began = time.monotonic()
    with pytest.raises(BadInput, match=place):
        check_folder(folder, "native")
    with pytest.raises(BadInput, match=place):
        admit_contents(folder)
    again = write_tree(folder, [file for file in files_of(plan) if file.path == "run.sh"], overwrite=True)
    assert again.written or again.unchanged
    assert time.monotonic() - began < 2.0


def test_every_file_that_a_line_reads_is_looked_at(deployed: tuple[Plan, Path]) -> None:
    """Names of files in the commands of a checklist end in what has a limit, or are logs and what was rendered."""
    plan, _ = deployed
    rendered = {file.path for file in files_of(plan)}
    words = {word for check in checks_of(plan) for word in re.findall(r"[\w./-]+", check.command or "")}
    files = {
        word for word in words if re.search(r"\.(env|json|pid|started|log)$|SUMS$", word) and not word.startswith("/")
    }
    assert {".env", MANIFEST, "SHA256SUMS"} <= files
    for name in files - rendered - {"state/engine.log"}:
        assert name.endswith((".env", ".json", "SHA256SUMS")), name


def test_a_folder_in_use_is_admitted(deployed: tuple[Plan, Path]) -> None:
    """Logs of any length, a gateway's socket, backups and links to folders are no fault of a folder."""
    _, folder = deployed
    (folder / "state").mkdir()
    with (folder / "state/engine.log").open("wb") as log:
        log.truncate(1 << 36)
    with socket.socket(socket.AF_UNIX) as gateway:
        there = Path.cwd()
        os.chdir(folder)  # the name of a socket is short
        gateway.bind("state/gateway.sock")
        os.chdir(there)
    (folder / "models").symlink_to("/usr")
    admit_contents(folder)
    assert len(read_text(folder / "state/engine.log")) == 32 << 20


@pytest.mark.parametrize("name", ["smoke", "state", "check", "state/engine.log", "smoke/report.json", "gateway/more"])
def test_nothing_is_written_behind_a_link(name: str, deployed: tuple[Plan, Path], tmp_path: Path) -> None:
    """A link where `smoke` or a script would write: refused, unless the files are trusted by name."""
    plan, folder = deployed
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(tmp_path)
    with pytest.raises(BadInput, match=f"{name} is a link"):
        require_ours(plan, folder)


LISTED = {
    "a device": "/dev/zero", "a file outside": "../victim", "a file behind a link": "link/victim", "a link": "linked",
}  # fmt: skip


@pytest.mark.parametrize("name", LISTED.values(), ids=LISTED)
def test_a_manifest_names_nothing_outside(name: str, deployed: tuple[Plan, Path], tmp_path: Path) -> None:
    """The line on changed files reads none that is not a regular file of the folder, whatever a manifest says."""
    plan, folder = deployed
    (line,) = (check for check in checks_of(plan) if check.id == "files")
    (tmp_path / "victim").write_text("x")
    (folder / "link").symlink_to(tmp_path)
    (folder / "linked").symlink_to(tmp_path / "victim")
    text = (folder / MANIFEST).read_text()
    zeros = "0" * 64
    entry = f'    "{name}": "{zeros}",'
    (folder / MANIFEST).write_text(text.replace('"files": {', f'"files": {{\n{entry}'))
    done = run(["bash", "-c", line.command or ""], cwd=folder, limit_s=10, merged=True)
    assert (done.code, done.out) == (0, "")
    (folder / "run.sh").write_text("changed")
    assert run(["bash", "-c", line.command or ""], cwd=folder, limit_s=10).code == 1


@pytest.mark.parametrize("said", ["-delete", "-fprint", "--help", "'-exec'", '"-x'])
def test_a_path_of_a_stranger_is_no_option(said: str, deployed: tuple[Plan, Path]) -> None:
    """A folder that .env names like an option of `find`, `df` or `dirname` is a name: nothing is written or removed."""
    plan, folder = deployed
    (folder / ".env").write_text(f"ADVISOR_MODELS={said}\nHF_HOME={said}\n")
    (folder / said.strip("'\"")).mkdir()
    before = sorted(str(path) for path in folder.rglob("*"))
    for check in checks_of(plan):
        if check.id in ("models-owner", "disk", "disk-volumes"):
            done = run(["bash", "-c", check.command or ""], cwd=folder, limit_s=10, merged=True)
            assert "sage" not in done.out and "option" not in done.out and "predicate" not in done.out, done
    assert sorted(str(path) for path in folder.rglob("*")) == before


def test_a_plan_that_is_no_text_is_a_persons(tmp_path: Path) -> None:
    """A prepared manifest that calls bytes of another encoding ours: they are not, and are kept as a backup."""
    odd = "ä".encode("latin-1")
    (tmp_path / "plan.json").write_bytes(odd)
    (tmp_path / MANIFEST).write_text(json.dumps({"files": {"plan.json": hashlib.sha256(odd).hexdigest()}}))
    write_tree(tmp_path, files_of(golden("one-person-rtx-4090")), overwrite=True)
    assert b"schema_version" in (tmp_path / "plan.json").read_bytes()
    assert (tmp_path / "plan.json.bak-1").read_bytes() == odd

"""What the door lets in as text is rendered, read back and executed with stand-ins: nothing unplanned takes effect."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from advisor.errors import BadInput
from advisor.folder.door import admit_plan
from advisor.pipeline import files_of
from advisor.schema import Plan
from advisor.wire import from_data, to_data
from tests.hostile.poison import (
    MARK,
    SCENARIOS,
    VISIBLE,
    Where,
    golden,
    kind_of,
    local_and_hostile,
    poisoned,
    strings,
    value_at,
)
from tests.hostile.table import hold, offspring, row

NIGHTLY = bool(os.environ.get("ADVISOR_NIGHTLY"))
# Programs that the scripts, the checklist and the README call, and that must not really do anything here.
STANDINS = [
    "sudo",
    "docker",
    "docker-compose",
    "podman",
    "curl",
    "nvidia-smi",
    "nvidia-ctk",
    "ollama",
    "vllm",
    "kubectl",
    "kubeadm",
    "systemctl",
    "journalctl",
    "hf",
    "pip",
    "python3",
    "caddy",
    "helm",
    "ssh",
    "systemd-analyze",
    "timedatectl",
    "advisor",
    "openssl",
    "sysctl",
    "ip",
    "nohup",
    "sleep",
    "wget",
    "tar",
]
FENCE = re.compile(r"^(`{3,})(?:bash|sh)\n(.*?)\n\1$", re.DOTALL | re.MULTILINE)


def admitted(plan: Plan) -> tuple[Any, list[Where]]:
    """The plan's data for a model of a hostile name, and where the door lets the same text in besides."""
    data = local_and_hostile(plan, VISIBLE)
    free, kinds = [], dict[str, bool]()
    for where in strings(data):
        if VISIBLE in value_at(data, where):
            continue
        kind = kind_of(where)
        if kind not in kinds or NIGHTLY:
            kinds[kind] = passes(poisoned(data, where, VISIBLE))
        if kinds[kind]:
            free.append(where)
    return data, free


def passes(data: Any) -> bool:
    """Whether the door takes it."""
    try:
        admit_plan(from_data(Plan, data, where="p"), "p")
    except BadInput:
        return False
    return True


def faults(plan: Plan, data: Any, places: Iterable[Where], folder: Path) -> list[str]:
    """What goes wrong with these strings poisoned, all at once."""
    for where in sorted(places, key=lambda where: str(where[-1]).startswith("key:")):
        data = poisoned(data, where, VISIBLE)
    read = from_data(Plan, data, where="p")
    texts = {file.path: file.text for file in files_of(read)}
    clean = {file.path: file.text for file in files_of(plan)}
    write(folder, texts)
    found = [f"{path}: {what}" for path, text in texts.items() for what in changed(path, text, clean.get(path))]
    return found + executed(folder, texts)


def write(folder: Path, texts: dict[str, str]) -> None:
    """The deployment folder."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def changed(path: str, text: str, clean: str | None) -> list[str]:
    """What the file's own reader finds there that is not in the clean one."""
    if any(letter in text for letter in "\x1b\u202e\x07"):
        return ["a control character"]
    if path.endswith(".md"):
        return live(text)
    if clean is None or path == "plan.json":
        return []
    if path.endswith((".yaml", ".yml")):
        return [] if shape(list(yaml.safe_load_all(text))) == shape(list(yaml.safe_load_all(clean))) else ["other keys"]
    if path.endswith(".json"):
        return [] if shape(json.loads(text)) == shape(json.loads(clean)) else ["other keys"]
    if path.endswith(".sh"):
        return []
    return [] if lines(text) == lines(clean) else ["other lines"]


def live(text: str) -> list[str]:
    """HTML, images and links to elsewhere of a Markdown page."""
    tokens = [each for token in MarkdownIt().parse(text) for each in (token, *(token.children or ()))]
    odd = [token for token in tokens if token.type in ("html_inline", "html_block", "image")]
    odd += [token for token in tokens if token.type == "link_open" and ":" in str(token.attrs["href"])]
    return [f"{token.type}: {token.content or token.attrs}" for token in odd]


def shape(found: Any) -> Any:
    """Keys and types, without the texts; lists of plain words may differ in nothing but the words."""
    if isinstance(found, dict):
        return {key: shape(below) for key, below in found.items()}
    if isinstance(found, list):
        return [shape(below) for below in found]
    return type(found).__name__


def lines(text: str) -> list[str]:
    """The beginning of each line that is no comment: a key of a unit, an instruction."""
    return [re.split(r"[ =]", line, maxsplit=1)[0] for line in text.splitlines() if line and not line.startswith("#")]


def executed(folder: Path, texts: dict[str, str]) -> list[str]:
    """Run every script and every block of commands with stand-ins; say which left the mark."""
    bin_ = folder.parent / f"{folder.name}-bin"
    bin_.mkdir()
    for name in STANDINS:
        (bin_ / name).write_text("#!/bin/sh\nexit 0\n")
        (bin_ / name).chmod(0o755)
    env = {"PATH": f"{bin_}:/usr/bin:/bin", "HOME": str(folder / "home"), "LC_ALL": "C"}
    scripts = {path: text for path, text in texts.items() if path.endswith(".sh")}
    for path, text in texts.items():
        if path.endswith(".md"):
            scripts |= {f"{path}, block {number}": found[2] for number, found in enumerate(FENCE.finditer(text))}
    found = []
    for name, script in scripts.items():
        subprocess.run(
            ["bash", "-c", script, str(folder / name)], cwd=folder, env=env, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        left = list(folder.rglob(f"*{MARK}*"))
        if left:
            found.append(f"{name}: ran what it should have quoted")
            for mark in left:
                mark.unlink()
    return found


def guilty(plan: Plan, data: Any, places: list[Where], folder: Path) -> list[Where]:
    """The strings among these that are to blame, by halves."""
    folder.mkdir(parents=True, exist_ok=True)
    if not faults(plan, data, places, folder / "out"):
        return []
    if len(places) <= 1:
        return places
    half = len(places) // 2
    first = guilty(plan, data, places[:half], folder / "a")
    return first or guilty(plan, data, places[half:], folder / "b")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_the_door_lets_in_takes_no_effect(scenario: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Names, paths and sentences of a plan, all hostile at once: files say the same, and no command of theirs runs."""
    plan = golden(scenario)
    data, places = admitted(plan)
    clean = from_data(Plan, local_and_hostile(plan, "/srv/models/small"), where="p")
    assert places, "the door lets no text in at all"
    before = offspring(tmp_path)
    found = faults(clean, data, places, tmp_path / "out")
    assert not found, (found, guilty(clean, data, places, tmp_path / "halves"))
    assert offspring(tmp_path) <= before
    if NIGHTLY:
        for number, where in enumerate(places):
            assert not faults(clean, data, [where], tmp_path / str(number)), where
    line = row(f"poison: {scenario}", "all strings, all files", executed=0, left_processes=0)
    hold(line, update=pytestconfig.getoption("--update-golden"))


def test_the_test_finds_what_is_not_quoted(tmp_path: Path) -> None:
    """A block of commands with one unquoted value leaves the mark, and a sentence with HTML is seen."""
    texts = {"README.md": f"```bash\necho $(touch {MARK})\n```\n"}
    write(tmp_path / "out", texts)
    assert executed(tmp_path / "out", texts)
    assert changed("README.md", "see <script>x</script>", None)


def test_the_plan_is_data() -> None:
    """The data of a plan that was read back is that of the plan."""
    plan = golden(SCENARIOS[0])
    assert from_data(Plan, to_data(plan), where="p") == plan

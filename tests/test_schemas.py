"""`advisor catalog schema`: the JSON Schemas hold for everything that the program itself reads and writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from advisor.commands.catalog import SCHEMAS, command
from advisor.pipeline import find_hardware
from advisor.report import schemas
from advisor.schema import Workload
from advisor.wire import to_data, to_json
from advisor.workload import load_workload, profile_names, profiles_folder

TESTS = Path(__file__).parent
PLANS = sorted(TESTS.glob("golden/*/out/plan.json"))
MACHINES = sorted(TESTS.glob("hardware/*.json"))


def validator(name: str) -> Draft202012Validator:
    """A judge for one of the schemas, as the command prints it."""
    result = CliRunner().invoke(command, ["schema", name])
    assert result.exit_code == 0
    return Draft202012Validator(json.loads(result.stdout))


def faults(judge: Draft202012Validator, document: Any) -> list[str]:
    """What the schema says against a document."""
    return [error.message for error in judge.iter_errors(document)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema(name: str) -> None:
    """Each is a valid JSON Schema of its draft, refuses an empty document and a key that nobody knows."""
    judge = validator(name)
    Draft202012Validator.check_schema(judge.schema)
    assert faults(judge, {})
    assert any("nobody" in fault for fault in faults(judge, {"nobody": 1}))


def test_the_command_knows_every_schema() -> None:
    """The choices of the command are those that can be made."""
    assert SCHEMAS == schemas.SCHEMAS


def test_every_saved_plan_is_valid() -> None:
    """The schema holds for each plan.json of the golden scenarios."""
    judge = validator("plan")
    assert PLANS
    for path in PLANS:
        assert not faults(judge, json.loads(path.read_text())), path


def test_every_machine_is_valid() -> None:
    """The schema holds for recorded machines and for what `advisor probe --gpu` writes."""
    judge = validator("hardware")
    simulated = json.loads(to_json(find_hardware("2x RTX 4090", None)))
    for document in (simulated, *(json.loads(path.read_text()) for path in MACHINES)):
        assert not faults(judge, document)


def as_profile(workload: Workload) -> dict[str, Any]:
    """A workload as the profile file that would give it."""
    data = to_data(workload)
    return {"title": data.pop("profile"), **data}


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_valid(name: str) -> None:
    """The schema holds for a shipped profile as YAML reads it, and for the workload that comes of it."""
    judge = validator("workload")
    assert not faults(judge, yaml.safe_load((profiles_folder() / f"{name}.yaml").read_text()))
    full = replace(load_workload(name, {}), nodes=2, node_link="100GbE", parts="gateway, systemd", concurrency=3)
    assert not faults(judge, as_profile(full))


@pytest.mark.parametrize(
    ("key", "item"),
    [
        ("users", 0),
        ("users", 2.5),
        ("ttft_ms", -1),
        ("tools", "no"),
        ("kind", "chat"),
        ("parts", "gatway"),
        ("engine", 1),
    ],
)
def test_what_is_refused_is_invalid(key: str, item: object) -> None:
    """The schema of a workload has the bounds and the names of the definition."""
    judge = validator("workload")
    assert faults(judge, {**as_profile(load_workload("chat", {})), key: item})

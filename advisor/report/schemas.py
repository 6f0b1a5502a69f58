"""JSON Schemas of what the program reads and writes, for editors, forms and other programs."""

from __future__ import annotations

from typing import Any

from advisor import wire
from advisor.schema import Hardware, Plan
from advisor.workload.keys import json_schema as workload

_VALUES: dict[str, type] = {"plan": Plan, "hardware": Hardware}
SCHEMAS = ("workload", *_VALUES)


def schema(name: str) -> dict[str, Any]:
    """The schema of a workload profile, of plan.json, or of a recorded machine."""
    return workload() if name == "workload" else wire.json_schema(_VALUES[name])

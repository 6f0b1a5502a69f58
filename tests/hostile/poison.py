"""Golden plans with every way to run them, and strings in them replaced by hostile ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.deploy import PARTS
from advisor.folder.saved import read_plan
from advisor.plan import checks_of
from advisor.schema import Plan
from advisor.wire import to_data

GOLDEN = Path(__file__).parents[1] / "golden"
SCENARIOS = (
    "case-a-llama-8b-h100",
    "one-person-rtx-4090",
    "team-mi300x",
    "deepseek-on-two-nodes",
    "both-engines-rtx-4090-pair",
    "fifty-users-two-cores",
)
MARK = "PWNED"
# Everything that a shell, a unit, YAML, Compose, Caddy, PromQL, Go templates or a page could take for its own, visible.
VISIBLE = f"x';touch {MARK};$(touch {MARK})`touch {MARK}`\";touch {MARK} #{{{{x}}}} %h ${{X}} {{$Y}} a: b <script>x</script>[l](http://e.x) \\"
# The same with what nobody sees: line breaks into other lines of other languages, and a terminal's escape.
UNSEEN = f"{VISIBLE}\n    privileged: true\nExecStartPre=/bin/touch {MARK}\n\x1b]0;x\x07\u202e"

Where = tuple[str | int, ...]


def golden(scenario: str) -> Plan:
    """The plan of a scenario, with every part that is possible for it."""
    plan = read_plan(GOLDEN / scenario / "out" / "plan.json")
    plan = replace(plan, parts=tuple(name for name, part in PARTS.items() if not part.possible(plan)))
    return replace(plan, checks=checks_of(plan))


def strings(found: Any, at: Where = ()) -> Iterator[Where]:
    """Where a string stands, and every key of a mapping (as the last step `"key:NAME"`)."""
    if isinstance(found, dict):
        for key, below in found.items():
            yield (*at, f"key:{key}")
            yield from strings(below, (*at, key))
    elif isinstance(found, list):
        for number, below in enumerate(found):
            yield from strings(below, (*at, number))
    elif isinstance(found, str):
        yield at


def value_at(data: Any, where: Where) -> str:
    """The string, or the key, that stands there."""
    for step in where[:-1]:
        data = data[step]
    last = where[-1]
    return last.removeprefix("key:") if isinstance(last, str) and last.startswith("key:") else str(data[last])


def kind_of(where: Where) -> str:
    """The same for all entries of a list: one of them stands for all where time is short."""
    return ".".join("*" if isinstance(step, int) else step for step in where)


def poisoned(data: Any, where: Where, poison: str) -> Any:
    """A copy with the string (or the key) at one place replaced."""
    copy = json.loads(json.dumps(data))
    place = copy
    for step in where[:-1]:
        place = place[step]
    last = where[-1]
    if isinstance(last, str) and last.startswith("key:"):
        place[poison] = place.pop(last.removeprefix("key:"))
    else:
        place[last] = poison
    return copy


def local_and_hostile(plan: Plan, poison: str) -> Any:
    """The plan's data for a model in a local folder of a hostile name: the same name wherever the plan repeats it."""
    references = [each.launch.model_ref for each in (plan, plan.desk) if each]

    def renamed(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: below if key in ("model", "hardware") else renamed(below) for key, below in found.items()}
        if isinstance(found, list):
            return [renamed(below) for below in found]
        if not isinstance(found, str):
            return found
        return next((found.replace(name, poison) for name in references if name in found), found)

    data = renamed(to_data(plan))
    for each in filter(None, (data, data["desk"])):
        each["model"] |= {"path": poison, "hf_id": poison, "origin": "folder" if each["engine"] == "vllm" else "gguf"}
    return data

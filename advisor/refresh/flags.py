"""The accepted settings of the pinned engines → data/vllm-flags.json, ollama-env.json, ollama-modelfile.json.

Run: `python -m advisor.refresh.flags FOLDER`, where both engines are installed (tests/engines/install.sh and
vllm_sources.sh). The engines are asked; what they cannot say (what a malformed value does, which parameters reload a
model) comes from the lists in FOLDER, read in their sources. Facts only: the engines' help texts are not copied.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from advisor.catalog import engine_limits
from advisor.refresh import ollama_running, vllm_running
from advisor.refresh.table import asked_folder, document, write

VLLM = "vllm-{}-serve-flags.json"
OLLAMA_ENV = "ollama-0.34-env.json"
OLLAMA_MODELFILE = "ollama-0.34-modelfile.json"

Entry = dict[str, Any]


@dataclass(frozen=True)
class Lists:
    """What the pinned versions accept: vLLM's arguments, Ollama's variables, its Modelfile."""

    arguments: list[Entry]
    variables: list[Entry]
    instructions: list[str]
    parameters: list[Entry]
    refused: frozenset[str] = frozenset()  # instructions that `ollama create` refuses


def kept(folder: Path) -> Lists:
    """The lists in a folder, made once by asking the same versions."""

    def read(name: str) -> Any:
        return json.loads((folder / name).read_text(encoding="utf-8"))

    modelfile = read(OLLAMA_MODELFILE)
    refused = frozenset(modelfile["instructions_refused_by_create"])
    return Lists(
        arguments=[entry for entry in read(VLLM.format("0.33"))["args"] if entry["kind"] != "positional"],
        variables=read(OLLAMA_ENV),
        instructions=[name for name in modelfile["instructions"] if name not in refused],
        parameters=modelfile["parameters"],
        refused=refused,
    )


def asked(known: Lists, vllm: Entry, ollama: Entry) -> Lists:
    """The lists as the engines answered now, with what is known besides of the names that are still there."""
    return replace(
        known,
        arguments=[entry for entry in vllm["args"] if entry["kind"] != "positional"],
        variables=_variables(known.variables, ollama["variables"]),
        instructions=[name for name in ollama["instructions"] if name not in known.refused],
        parameters=_parameters(known.parameters, ollama["parameters"]),
    )


def _variables(known: list[Entry], printed: dict[str, str]) -> list[Entry]:
    """Names as printed at start, and those that are read but not printed; a default that changed is the printed one."""
    rows = []
    for entry in known:
        name, default = entry["name"], entry.get("default")
        if entry.get("in_as_map", True) and name not in printed:
            continue
        told = isinstance(default, int) or entry["type"] == "duration"
        if told and name in printed and name not in ollama_running.OWN_VARIABLES:
            changed = not ollama_running.same(entry["type"], default, printed[name])
            rows.append({**entry, "default": printed[name]} if changed else entry)
        else:
            rows.append(entry)
    names = {entry["name"] for entry in known}
    return rows + [{"name": name, "default": text} for name, text in printed.items() if name not in names]


def _parameters(known: list[Entry], types: dict[str, str]) -> list[Entry]:
    there = [entry for entry in known if entry["name"] in types]
    rows = [entry if "rejected" in entry else entry | {"type": types[entry["name"]]} for entry in there]
    names = {entry["name"] for entry in known}
    return rows + [{"name": name, "type": kind} for name, kind in types.items() if name not in names]


def generate(found: Lists) -> dict[str, str]:
    """File name → text of the three data files, the same from run to run."""
    modelfile = [{"name": name} for name in found.instructions if name != "PARAMETER"]
    modelfile += [{"name": f"PARAMETER {entry['name']}", **_parameter(entry)} for entry in found.parameters]
    flags = [_argument(argument) for argument in found.arguments]
    variables = [_variable(entry) for entry in found.variables]
    vllm, ollama = (engine_limits(name).version for name in ("vllm", "ollama"))
    return {
        "vllm-flags.json": document("vllm-flags", "flags", f"the parser of vLLM {vllm}", flags),
        "ollama-env.json": document("ollama-env", "flags", f"the start of Ollama {ollama}, and its sources", variables),
        "ollama-modelfile.json": document("ollama-modelfile", "flags", f"`ollama create` {ollama}", modelfile),
    }


def _argument(argument: Entry) -> Entry:
    """Every spelling that the parser takes, and what it takes as a value."""
    default = argument["default"]
    return _filled(
        {
            "flags": [*argument["flags"], *argument["hidden_aliases"]],
            "kind": argument["kind"],
            "type": argument["type"],
            "choices": argument["choices"],
            "default": None if default == "==SUPPRESS==" else default,
            "nargs": argument["nargs"],
            "deprecated": argument["deprecated"] or None,
        }
    )


def _variable(entry: Entry) -> Entry:
    keys = ("name", "type", "default", "accepted", "malformed", "platforms", "scope")
    return _filled({key: entry.get(key) for key in keys})


def _parameter(entry: Entry) -> Entry:
    keys = ("type", "default", "reloads_runner", "repeatable", "rejected")
    return _filled({key: entry.get(key) for key in keys})


def _filled(entry: Entry) -> Entry:
    """Without keys that hold nothing."""
    return {key: item for key, item in entry.items() if item is not None and item != ""}


if __name__ == "__main__":
    lists = kept(asked_folder(__doc__))
    pinned = engine_limits("vllm").version
    program = vllm_running.engines_folder() / "ollama" / "bin" / "ollama"
    answers = vllm_running.ask(version=pinned), ollama_running.ask(str(program))
    for name, text in generate(asked(lists, *answers)).items():
        write(name, text)

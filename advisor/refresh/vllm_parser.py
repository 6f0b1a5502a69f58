"""Every argument of `vllm serve`, as the parser of an installed vLLM has it: JSON on the standard output.

This file is run by that vLLM's own Python, as a file: `ask_engines.py` starts it. It imports nothing of advisor.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import Any

JSON_TYPES = ("_parse_type", "loads", "parse_dataclass", "union_dict_and_str")  # vLLM's own readers of a JSON text


def serve_parser() -> argparse.ArgumentParser:
    """The parser that `vllm serve` uses, beneath the one of `vllm`."""
    parser: argparse.ArgumentParser = command_parser()[1]
    return parser


def command_parser() -> tuple[Any, Any, Any]:
    """The parser of `vllm`, that of its `serve`, and the command, whose `validate` vLLM calls after parsing."""
    command = importlib.import_module("vllm.entrypoints.cli.serve").ServeSubcommand()
    top = importlib.import_module("vllm.utils.argparse_utils").FlexibleArgumentParser(description="vLLM CLI")
    serve = command.subparser_init(top.add_subparsers(required=True, dest="subparser"))
    return top, serve, command


def arguments(parser: argparse.ArgumentParser) -> list[dict[str, Any]]:
    """Every argument in the parser's order; hidden_aliases are taken too, but stand in no help text."""
    rows = {}
    for action in parser._actions:
        rows[id(action)] = {
            "flags": list(action.option_strings),
            "hidden_aliases": [],
            "kind": _kind(action),
            "type": getattr(action.type, "__name__", None),
            "choices": list(action.choices) if action.choices is not None else None,
            "default": _plain(action.default),
            "nargs": action.nargs,
            "deprecated": bool(getattr(action, "deprecated", False)),
        }
    for option, action in parser._option_string_actions.items():
        row = rows[id(action)]
        if option not in row["flags"]:
            row["hidden_aliases"].append(option)
    return list(rows.values())


def _kind(action: argparse.Action) -> str:
    if not action.option_strings:
        return "positional"
    if action.nargs == 0:
        return "bool"
    if action.nargs in ("+", "*"):
        return "list"
    if action.nargs == "?":
        return "optional-value"
    return "json" if getattr(action.type, "__name__", "") in JSON_TYPES else "value"


def _plain(value: Any) -> Any:
    """The value as JSON has it; anything else as Python writes it."""
    try:
        json.dumps(value)
    except TypeError:
        return repr(value)
    return value


def answer(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """The version that answered, its arguments, and the names in its registries."""
    version = importlib.import_module("vllm").__version__
    registry = importlib.import_module("vllm.model_executor.models").ModelRegistry
    return {
        "engine": "vllm",
        "version": version.split("+")[0],
        "args": arguments(parser),
        "tool_parsers": importlib.import_module("vllm.tool_parsers").ToolParserManager.list_registered(),
        "reasoning_parsers": importlib.import_module("vllm.reasoning").ReasoningParserManager.list_registered(),
        "variables": sorted(importlib.import_module("vllm.envs").environment_variables),
        "architectures": sorted(registry.get_supported_archs()),
    }


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # vLLM and its libraries write what they like: not into the answer
    json.dump(answer(serve_parser()), out)
    out.flush()
    sys.exit(0)

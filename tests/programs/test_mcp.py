"""The MCP server as an assistant meets it: a client of the official SDK lists the tools and calls each."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from advisor.commands.size_tool import size
from advisor.folder.write import write_tree
from advisor.pipeline import files_of, recommend
from advisor.programs.server import server

QWEN = "Qwen/Qwen2.5-7B-Instruct"
ROW = {
    "id": "a",
    "engine": "vllm",
    "gpu": "RTX 4090",
    "model": QWEN,
    "concurrency": 16,
    "input_tokens": 500,
    "output_tokens": 200,
}


def call(tool: str, **arguments: Any) -> CallToolResult:
    """One call of a tool."""

    async def asked() -> CallToolResult:
        async with Client(server(size)) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(asked())


def data(found: CallToolResult) -> dict[str, Any]:
    """What it gave as data."""
    assert not found.is_error, found
    assert found.structured_content is not None
    return dict(found.structured_content)


def text(found: CallToolResult) -> str:
    """What it said."""
    return " ".join(part.text for part in found.content if isinstance(part, TextContent))


def test_every_tool_is_described() -> None:
    """Six tools, each with a description, typed arguments, and the word that it changes nothing."""

    async def listed() -> dict[str, Any]:
        async with Client(server(size)) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    tools = asyncio.run(listed())
    assert set(tools) == {"probe", "recommend", "predict", "size", "explain", "check"}
    for tool in tools.values():
        assert tool.description and tool.annotations.read_only_hint and tool.input_schema["type"] == "object"


def test_recommend_gives_the_document() -> None:
    """The same keys as `recommend --json`, for options under their own names."""
    found = data(call("recommend", users=50, gpu="2x RTX 4090", model=QWEN, options={"ttft_ms": 1000}))
    assert found["verdict"]["engine"] == "vllm" and found["workload"]["ttft_ms"] == 1000
    assert {"plan", "curve", "reasons", "nearest_yes", "files"} <= set(found)


def test_probe_sees_this_machine() -> None:
    """What is probed is no simulation."""
    assert data(call("probe"))["source"] == "probed"


def test_predict_answers_each_row() -> None:
    """A row that cannot be predicted does not stop the others."""
    first, second = data(call("predict", rows=[ROW, ROW | {"gpu": "RTX 4900"}]))["predictions"]
    assert first["supported"] and first["output_tok_s"] > 0 and not second["supported"] and second["reason"]


def test_size_gives_the_document() -> None:
    """The same keys as `size --json`, for options under their own names; nothing is written."""
    asked = {
        "users": 20,
        "model": QWEN,
        "cards": "L40S",
        "options": {"pay": "rent", "price": ["L40S=0.9/h"], "production": False},
    }
    found = data(call("size", **asked))
    assert found["options"][0]["gpu"] == "NVIDIA L40S" and found["workload"]["production"] is False
    assert {"pareto", "terms", "reasons"} <= set(found)


def test_explain_has_reason_and_source() -> None:
    """A rule by its id."""
    assert {"rule", "why", "source"} <= set(data(call("explain", id="FIT101")))


def test_check_runs_the_checklist(tmp_path: Path) -> None:
    """A folder's lines with their results."""
    answer = recommend(profile=None, overrides={"users": 2, "model": QWEN, "offline": True}, gpu="RTX 4090")
    assert answer.plan is not None
    write_tree(tmp_path / "deploy", files_of(answer.plan), overwrite=False)
    assert data(call("check", folder=str(tmp_path / "deploy")))["lines"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("recommend", {"gpu": "RTX 4900"}, "RTX 4900"), ("recommend", {"options": {"usres": 5}}, "users"),
        ("recommend", {"options": {"users": "fifty"}}, "50"), ("predict", {"rows": [{"gpu": "RTX 4090"}]}, "lacks engine"),
        ("size", {"users": 5}, "--model"), ("size", {"model": QWEN, "options": {"out": "x"}}, "no such option"),
        ("size", {"model": QWEN, "options": {"spare": "many"}}, "many"), ("size", {"model": QWEN, "options": {"pue": 9}}, "pue"),
        ("explain", {"id": "ttft"}, "ttft"), ("check", {"folder": "no-such-folder"}, "no-such-folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_to_the_assistant(tool: str, arguments: dict[str, Any], said: str) -> None:
    """An error of the tool, in the words in which a person gets it, and no traceback."""
    found = call(tool, **arguments)
    assert found.is_error and said in text(found) and "Traceback" not in text(found)


def test_the_command_speaks_it_on_standard_input_and_output() -> None:
    """`advisor mcp`, started as an assistant starts it, prints nothing but the protocol."""

    async def asked() -> CallToolResult:
        program = StdioServerParameters(
            command=sys.executable, args=["-m", "advisor.cli", "mcp"], cwd=str(Path(__file__).parents[2])
        )
        async with Client(program) as client:
            return await client.call_tool("explain", {"id": "SPD210"})

    assert json.loads(text(asyncio.run(asked())))["rule"] == "SPD210"

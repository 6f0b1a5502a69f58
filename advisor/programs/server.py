"""The MCP server of `advisor mcp`: the functions of this room as tools, on standard input and output."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from advisor import __version__
from advisor.catalog import engines_told
from advisor.errors import AdvisorError
from advisor.programs import functions

P = ParamSpec("P")
INSTRUCTIONS = (
    f"Decides between {engines_told('and')} for given cards, people and model, and gives settings and reasons. "
    "Begin with recommend; every prediction has a range and a basis, and verdict.meets_targets says yes or no. Nothing "
    "is written, and the network is not used unless offline is false."
)


def server(*more: Callable[..., dict[str, Any]]) -> MCPServer:
    """A server with one tool a function, and those that a floor above adds; none of them changes anything."""
    made = MCPServer("advisor", version=__version__, instructions=INSTRUCTIONS)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    tools: tuple[Callable[..., dict[str, Any]], ...] = (probe, recommend, predict, *more, explain, check)
    for tool in tools:
        made.tool(annotations=reads)(_told(tool))
    return made


def _told(function: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
    """What was wrong with the question goes to who asked, not into a log."""

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            return function(*args, **kwargs)
        except AdvisorError as error:
            raise ToolError(str(error)) from None

    return asked


def probe() -> dict[str, Any]:
    """What this machine has: accelerators, memory, bandwidth, links, processor, disk, driver, containers, engines."""
    return functions.probe()


def recommend(
    users: int | None = None,
    gpu: str | None = None,
    model: str | None = None,
    profile: str | None = None,
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Which engine for this load: verdict, plan with settings, predictions with ranges, reasons, remedies of a no.

    Args:
        users: people who use it in the same hour.
        gpu: cards such as "2x RTX 4090"; this machine where none are given.
        model: a Hub id, an Ollama tag, or a file; the best that meets the targets where none is named.
        profile: a shipped workload such as chat, rag or production-api.
        options: any other option of `advisor recommend` by name, e.g. {"ttft_ms": 1000, "input_tokens": 6000}.
    """
    named = {"users": users, "gpu": gpu, "model": model, "profile": profile}
    return functions.recommend({**(options or {}), **{name: item for name, item in named.items() if item is not None}})


def predict(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Output rate, TTFT and TPOT of given configurations, each with its range.

    Args:
        rows: e.g. {"engine": "vllm", "gpu": "RTX 4090", "model": "Qwen/Qwen2.5-7B-Instruct", "concurrency": 16};
            keys are the columns of `advisor predict`.
    """
    return functions.predict(rows)


def explain(id: str) -> dict[str, Any]:
    """What stands behind an id: a rule (SPD210), a setting (--max-num-seqs), a figure, a format, a claim.

    Args:
        id: as an answer shows it.
    """
    return functions.explain(id)


def check(folder: str, target: str = "auto") -> dict[str, Any]:
    """The pre-deployment checklist of a folder that `advisor recommend` wrote, run on this host. Changes nothing.

    Args:
        folder: where its plan.json lies.
        target: native, compose, systemd, quadlet or kubernetes; auto finds out.
    """
    return functions.check(folder, target)

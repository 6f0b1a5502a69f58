"""The options that `recommend` and `size` share: each stands under the same name in a workload profile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--profile", metavar="NAME|FILE", help="Workload profile to start from (see profiles/README.md)."),
    click.option("--users", type=int, help="People who use the service in the same hour."),
    click.option("--concurrency", type=int, help="Requests in flight, instead of people."),
    click.option("--request-rate", type=float, help="Requests per second that do not wait for answers."),
    click.option("--think-time-s", type=float, help="Seconds between an answer and the next question."),
    click.option("--input-tokens", type=int, help="Mean prompt, history and documents included."),
    click.option("--output-tokens", type=int, help="Mean answer."),
    click.option("--context-tokens", type=int, help="Longest request to serve, prompt and answer together."),
    click.option("--shared-prefix-tokens", type=int, help="Part of the prompt that all requests share."),
    click.option("--ttft-ms", type=float, help="Target: time to first token, 95th percentile."),
    click.option("--tpot-ms", type=float, help="Target: time per output token, 95th percentile."),
    click.option("--model", metavar="HF_ID|OLLAMA_TAG|FILE.gguf|FOLDER", help="Default: the advisor picks one."),
    click.option("--task", help="chat, code, rag, agent, batch, embed: which models to pick from."),
    click.option("--quantization", metavar="NAME|auto", help="Weights format (see `advisor catalog`)."),
    click.option("--engine", metavar="auto|ollama|vllm|both", help="Both: Ollama for the desk, vLLM for production."),
    click.option("--production/--no-production", default=None, help="Others depend on it: metrics, drain, a key."),
    click.option("--exposed/--no-exposed", default=None, help="Answer on more than loopback."),
    click.option("--tools/--no-tools", default=None, help="The clients call tools."),
    click.option("--allow-offload/--no-allow-offload", default=None, help="Part of the weights may run on the CPU."),
    click.option("--offline/--no-offline", default=None, help="Nothing is looked up on the network."),
    click.option(
        "--parts", metavar="auto|all|none|NAME,...", help="What to write around the engine, e.g. gateway,systemd."
    ),
    click.option("--nodes", type=int, help="Machines like this one; a second is used only where one is not enough."),
    click.option("--node-link", metavar="TEXT", help='The network between them, e.g. "100GbE" or "400G IB".'),
    click.option(
        "--gpu",
        metavar="TEXT",
        help='Cards to plan for instead of this machine, e.g. "2x RTX 4090" or "4x RTX 3090 at 220 W".',
    ),
    click.option(
        "--hardware",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A machine recorded by `advisor probe --out`, instead of this one.",
    ),
)


def load_options(function: F) -> F:
    """Add every option that describes load, model and machine."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function

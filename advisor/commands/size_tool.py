"""`size` as a tool for assistants and for the page: its options are those of the command, read by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import click

from advisor.commands.size import command, size_of
from advisor.errors import BadInput
from advisor.report.sized import SizeAnswer, size_document

# What writes, what is read from files and addresses, and what is no question.
_NOT_HERE = ("help", "pick", "out", "report", "force", "as_json", "hardware", "from_log", "from_metrics")


def size(
    users: int | None = None,
    model: str | None = None,
    cards: str | None = None,
    have: str | None = None,
    budget: str | None = None,
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Which machines for this load: the fewest, cheapest, fastest and roomiest, with costs. Takes some seconds.

    Args:
        users: people who use it in the same hour.
        model: a Hub id, an Ollama tag, or a file; it must be named.
        cards: only these, e.g. "RTX 4090, 2x L40S, H100"; all that are sold where none are given.
        have: cards that are there already, e.g. "2x RTX 3090".
        budget: "10000EUR" for a purchase, "500EUR/month" for what a month costs.
        options: any other option of `advisor size` by name, e.g. {"pay": "used", "spare": 1, "ttft_ms": 1000}.
    """
    named = {"users": users, "model": model, "can_get": cards, "have": have, "budget": budget}
    asked = {**(options or {}), **{name: item for name, item in named.items() if item is not None}}
    return size_document(sized(asked))


def sized(asked: Mapping[str, Any]) -> SizeAnswer:
    """The answer to options of the command by name; nothing is asked of the Hub unless they say so.

    Raises:
        BadInput: an option that there is not, or a value that it does not take.
    """
    return size_of(lambda _: None, today=date.today(), **_read({"offline": True, **asked}))


def _read(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the command with its value.

    Raises:
        BadInput: an option that there is not, or a value that it does not take.
    """
    try:
        context = command.make_context("size", list(_words(asked)), resilient_parsing=False)
    except click.ClickException as error:
        raise BadInput(error.format_message()) from None
    return {name: item for name, item in context.params.items() if name not in _NOT_HERE}


def _words(asked: Mapping[str, Any]) -> Iterator[str]:
    """The options as they are typed; what is a list is said once for each of its values."""
    known = {param.name: param for param in command.params if param.name not in _NOT_HERE}
    for name, item in asked.items():
        param = known.get(name)
        if not isinstance(param, click.Option):
            raise BadInput(f"{name}: there is no such option; accepted: {', '.join(sorted(filter(None, known)))}")
        if item is True or item is False:
            yield (param.opts if item else param.secondary_opts or param.opts)[0]
        elif item is not None:
            for each in item if isinstance(item, list) else [item]:
                yield f"{param.opts[0]}={each}"

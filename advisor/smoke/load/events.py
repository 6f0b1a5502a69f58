"""What a server says in one event of a stream, or in a whole answer: taken apart, or refused as odd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.edge.reading import parse_json
from advisor.engines.observing import whole
from advisor.errors import BadInput
from advisor.smoke.load.http import Broken


class Event(NamedTuple):
    """One event: how many pieces of text it brings, how the answer ended, and tokens of prompt and answer."""

    texts: int
    finish: str
    usage: tuple[int, int] | None


def event_of(data: str) -> Event:
    """One event of a stream of completions.

    Raises:
        Broken: the server reports an error, or says what no completion says.
    """
    try:
        chunk = parse_json(data, "event")
    except BadInput:
        raise Broken("protocol", f"an event is not JSON: {data[:80]!r}") from None
    if isinstance(chunk, dict) and "error" in chunk:
        raise Broken("error in stream", str(chunk["error"])[:500])
    choices, usage = (chunk.get("choices") or [], chunk.get("usage")) if isinstance(chunk, dict) else (None, None)
    if not isinstance(choices, list) or not all(map(_is_choice, choices)) or not isinstance(usage or {}, dict):
        raise Broken("protocol", f"an event is no part of a completion: {data[:80]!r}")
    ends = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    return Event(sum(map(has_text, choices)), ends[-1] if ends else "", tokens_of(usage) if usage else None)


def _is_choice(choice: object) -> bool:
    return (
        isinstance(choice, dict)
        and isinstance(choice.get("delta") or {}, dict)
        and isinstance(choice.get("finish_reason") or "", str)
    )


def has_text(choice: Mapping[str, Any]) -> bool:
    """Whether a piece of a stream carries something that the model said."""
    delta = choice.get("delta") or {}
    return bool(
        choice.get("text")
        or delta.get("content")
        or delta.get("reasoning")
        or delta.get("reasoning_content")
        or delta.get("tool_calls")
    )


def tokens_of(usage: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of the prompt and of the answer; 0 where they are not told, or are no count."""
    return whole(usage.get("prompt_tokens")) or 0, whole(usage.get("completion_tokens")) or 0


def at(data: object, *way: str | int) -> Any:
    """What stands there in an answer; None where nothing does."""
    for step in way:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def mappings(data: object) -> list[Mapping[str, Any]]:
    """The mappings of a list; none where it is no list."""
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []

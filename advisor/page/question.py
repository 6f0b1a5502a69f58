"""The question as the address holds it: what was typed for each key, and up to four other questions that are pinned."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from advisor.errors import BadInput
from advisor.programs.functions import FIELDS, GPU, read_fields
from advisor.workload.key import Key, key_named
from advisor.workload.keys import PROFILE
from advisor.workload.kinds import Flag

MOST_PINS = 4
_MOST_FIELDS = 200
_PIN = "pin"
WHOLE = "whole"  # everything at once, for a browser without scripts


_LABELS = {
    "users": "People",
    "profile": "For what",
    "gpu": "Cards",
    "quantization": "Weights format",
    "input_tokens": "Prompt, tokens",
    "output_tokens": "Answer, tokens",
    "think_time_s": "Pause between questions, s",
    "ttft_ms": "First word within, ms",
    "tpot_ms": "Each token within, ms",
}


def label(name: str) -> str:
    """A key as the form names it."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


class Asked(NamedTuple):
    """What was typed, by key and in the order of the form; the pinned questions, each as the text of an address."""

    typed: Mapping[str, str]
    pins: tuple[str, ...] = ()

    @property
    def gpu(self) -> str | None:
        """Cards, as they were typed; None: this machine."""
        return self.typed.get(GPU.name)

    @property
    def profile(self) -> str | None:
        """A shipped profile or a file; None: the default one."""
        return self.typed.get(PROFILE.name)

    @property
    def overrides(self) -> dict[str, Any]:
        """The keys of the workload as values.

        Raises:
            BadInput: a value that its key does not accept.
        """
        return read_fields(self.typed)

    def with_(self, **changes: str) -> Asked:
        """The same with other values; an empty one takes the key away."""
        return self._replace(typed=_ordered({**self.typed, **changes}))

    def address(self) -> str:
        """`?users=50&gpu=…`: the question with its pins, as a link on the page."""
        return "?" + urlencode([*self.typed.items(), *((_PIN, pin) for pin in self.pins)])

    def alone(self) -> str:
        """The question without its pins, as a pin holds it."""
        return urlencode(self.typed)

    def command(self) -> str:
        """What gives the same answer in a terminal."""
        return " ".join(("advisor recommend", *(_option(FIELDS[name], text) for name, text in self.typed.items())))


def _option(key: Key, text: str) -> str:
    if isinstance(key.kind, Flag):
        return key.flag if key.kind.read(text) else key.off
    return f"{key.flag} {shlex.quote(text)}"


def read(query: str) -> Asked:
    """A question from the query of an address, as a browser sends a form; what is empty counts as not given.

    Raises:
        BadInput: a key that there is not, too many pins, or more fields than a form has.
    """
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise BadInput(f"address: it cannot be read as a question ({error})") from None
    pins = tuple(dict.fromkeys(item for name, item in pairs if name == _PIN))
    if len(pins) > MOST_PINS:
        raise BadInput(f"pin: {len(pins)} plans are pinned; side by side there is room for {MOST_PINS}")
    typed = {key_named(name, FIELDS).name: item.strip() for name, item in pairs if name not in (_PIN, WHOLE)}
    return Asked(_ordered(typed), pins)


def _ordered(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: typed[name] for name in FIELDS if typed.get(name)}


def changed(asked: Asked, change: str) -> Asked | None:
    """The question after a remedy such as `--gpu "4x L40S" --users 47`; None where that is nothing to type."""
    try:
        words = shlex.split(re.sub(r" \([^)]*\)$", "", change))
    except ValueError:
        return None
    typed: dict[str, str] = {}
    options = _options()
    while words:
        key, value = options.get(words.pop(0), (None, None))
        if key is None or (value is None and not words):
            return None
        typed[key.name] = words.pop(0) if value is None else value
    return asked.with_(**typed) if typed else None


def _options() -> dict[str, tuple[Key | None, str | None]]:
    """Option → its key, and the value that it stands for where it takes none."""
    found: dict[str, tuple[Key | None, str | None]] = {}
    for key in FIELDS.values():
        found[key.flag] = (key, "yes" if isinstance(key.kind, Flag) else None)
        if isinstance(key.kind, Flag):
            found[key.off] = (key, "no")
    return found

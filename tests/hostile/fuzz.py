"""Inputs that nobody meant well, from recorded seeds: data with odd values, bytes that are cut, repeated or replaced."""

from __future__ import annotations

import copy
import json
import random
import resource
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError

MOST_SECONDS = 2.0  # of processor time, for one input
MOST_MEMORY = 500 << 20  # bytes, for all of a reader's inputs
MOST_OF_A_LINE = 1000  # characters of a message
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 10**9, 10**18, 10**400, 1e-300, 1e300, float("inf"), float("nan"), "", "x", "4k", "\x1b[2J",
    "x" * 20_000, [], [None], ["x", 3], [[]], {}, {"a": {}}, {"a": [1]}, "\ud800", "²", "../x", "$(x)", "a\nb", 2**63,
)  # fmt: skip
ODD_BYTES = (0, 1, 9, 10, 13, 34, 39, 44, 58, 91, 123, 0x7F, 0x80, 0xE4, 0xFF)
TIMES = (1, 1, 2, 3, 50)  # that a part is repeated: seldom often, for that takes long to read
Place = tuple[Any, ...]


def places(item: Any, found: Place = ()) -> list[Place]:
    """The keys that lead to every value in plain data."""
    pairs = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    return [found, *(place for key, one in pairs for place in places(one, (*found, key)))]


def put(data: Any, where: Place, value: Any) -> Any:
    """The data with another value at a place; what was not changed is shared."""
    if not where:
        return value
    changed = copy.copy(data)
    changed[where[0]] = put(data[where[0]], where[1:], value)
    return changed


class Mutated:
    """Data of which one to three values are odd in each copy, or a key is renamed; `typed`: odd values of its own type."""

    def __init__(self, data: Any, *, typed: bool = False) -> None:
        self.data = json.loads(json.dumps(data))
        self.places = [place for place in places(self.data) if place]
        self.typed = typed

    def __call__(self, dice: random.Random) -> Any:
        """A copy; what was not changed is shared with the others."""
        data = self.data
        for _ in range(dice.randint(1, 3)):
            data = _put(data, dice.choice(self.places), dice, self.typed)
        return data


def _put(data: Any, way: Place, dice: random.Random, typed: bool) -> Any:
    """The data with something odd at a place, where it still has that place."""
    changed, key = copy.copy(data), way[0]
    if not (
        (isinstance(data, dict) and key in data)
        or (isinstance(data, list) and isinstance(key, int) and key < len(data))
    ):
        return data
    if len(way) > 1:
        changed[key] = _put(data[key], way[1:], dice, typed)
    elif typed:
        alike = [odd for odd in ODD if type(odd) is type(changed[key]) and not isinstance(odd, list | dict)]
        changed[key] = dice.choice(alike or [changed[key]])
    elif isinstance(changed, dict) and dice.random() < 0.1:
        changed[dice.choice(("odd", "\x1b]0;x", "x" * 500))] = changed.pop(key)
    else:
        changed[key] = dice.choice(ODD)
    return changed


def spoiled(content: bytes, dice: random.Random) -> bytes:
    """The same bytes cut off, with some of them replaced, or with a part repeated."""
    kind, at = dice.randrange(3), dice.randrange(len(content))
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[at : at + 400] * dice.choice(TIMES) + content[at:]
    changed = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        changed[dice.randrange(len(changed))] = dice.choice(ODD_BYTES)
    return bytes(changed)


def json_of(data: Any) -> Callable[[random.Random], bytes]:
    """A JSON document with odd values, one in five with odd bytes instead."""
    made, whole = Mutated(data), json.dumps(data).encode()
    return lambda dice: spoiled(whole, dice) if dice.random() < 0.2 else json.dumps(made(dice)).encode()


def bytes_of(content: bytes) -> Callable[[random.Random], bytes]:
    """A file with odd bytes."""
    return lambda dice: spoiled(content, dice)


@dataclass
class Reader:
    """One reader: how an input is made, and what reads it; an error of ours is a refusal."""

    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], object]
    further: Callable[[], object] | None = None  # what is done with what was read, for some of the inputs
    every: int = 50


@dataclass
class Outcome:
    """What came of all inputs."""

    inputs: int = 0
    answered: int = 0
    tracebacks: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)


def fuzz(reader: Reader, seeds: Iterable[int]) -> Outcome:
    """Feed a reader with the inputs of these seeds."""
    found, before = Outcome(), _peak()
    for seed in seeds:
        content = reader.make(random.Random(seed))
        found.inputs += 1
        began, took = time.process_time(), None
        try:
            reader.read(content)
            took = time.process_time() - began  # of the reader alone: what is done with its value may take longer
            found.answered += 1
            if reader.further and found.answered % reader.every == 1:
                reader.further()
        except AdvisorError as refused:
            if max(map(len, str(refused).splitlines() or [""])) >= MOST_OF_A_LINE:
                found.tracebacks.append(f"seed {seed}: a message of {len(str(refused))} characters")
        except Exception:  # noqa: BLE001 - what the test looks for
            found.tracebacks.append(f"seed {seed}: {traceback.format_exc(limit=-3)}")
        took = time.process_time() - began if took is None else took
        if took > MOST_SECONDS:
            found.hangs.append(f"seed {seed}: {took:.1f} s")
    if _peak() - before > MOST_MEMORY:
        found.too_large.append(f"{(_peak() - before) >> 20} MiB more than before")
    return found


def _peak() -> int:
    """Bytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def from_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Write the input to a file, and read it there."""

    def written(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return written

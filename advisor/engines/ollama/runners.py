"""The llama-servers that an Ollama of this machine has started: their command lines, and the slots that each tells of.

Ollama itself has no metrics. Each loaded GGUF model is a llama-server on a loopback port of its own without a key
(0.30 and later), whose command line says what is in force and whose `/slots` says which slots are busy.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from advisor.engines.asking import ask_bytes, number, parsed
from advisor.errors import EnvironmentFailed
from advisor.schema import value

PROCESSES = Path("/proc")
_MOST_SLOTS = 4096
_BLOB = re.compile(r"/.*/sha256-[0-9a-f]{64}")


@value
class Runner:
    """One loaded model, as it was started."""

    blob: str  # path of the weights, which the model's Modelfile names too
    parent: int  # process of the Ollama that started it
    port: int
    slots: int
    context_tokens: int  # of one slot
    kv_type: str  # "f16" where nothing else was said


@value
class Slot:
    """One place for a request, now."""

    number: int
    busy: bool
    task: int | None  # which request it serves, or served last
    read: int  # tokens of its prompt
    written: int  # tokens so far


def runners() -> tuple[Runner, ...]:
    """Every llama-server of an Ollama on this machine whose command line can be read; none elsewhere than on Linux."""
    found = []
    for process in PROCESSES.glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parent = int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):  # it ended meanwhile, or is not ours to see
            continue
        if Path(words[0]).name == "llama-server" and (runner := _runner(words, parent)):
            found.append(runner)
    return tuple(sorted(found, key=lambda each: each.port))


def _runner(words: list[str], parent: int) -> Runner | None:
    given = dict(itertools.pairwise(words))
    blob = _BLOB.fullmatch(given.get("--model", ""))
    port, slots, context = (_whole(given.get(name)) for name in ("--port", "-np", "-c"))
    if blob is None or not (port and slots and context):
        return None
    kv_type = given.get("--cache-type-k", "f16")
    return Runner(blob=blob[0], parent=parent, port=port, slots=slots, context_tokens=context // slots, kv_type=kv_type)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None


def slots_of(runner: Runner) -> tuple[Slot, ...] | None:
    """The slots now; texts are not read. None: it does not tell."""
    url = f"http://127.0.0.1:{runner.port}/slots"
    try:
        found = parsed(ask_bytes(url, here=True), url)
    except EnvironmentFailed:
        return None
    listed = found[:_MOST_SLOTS] if isinstance(found, list) else []
    return tuple(_slot(each, place) for place, each in enumerate(listed) if isinstance(each, dict)) or None


def _slot(found: dict[str, object], place: int) -> Slot:
    steps = found.get("next_token")
    step = steps[0] if isinstance(steps, list) and steps and isinstance(steps[0], dict) else {}
    task = number(found, "id_task")
    return Slot(
        number=place,
        busy=found.get("is_processing") is True,
        task=None if task is None else int(task),
        read=int(number(found, "n_prompt_tokens") or 0),
        written=int(number(step, "n_decoded") or 0),
    )

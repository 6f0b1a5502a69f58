"""An Ollama observed: `/api/ps`, and on its own machine the slots of the llama-servers that it has started."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from advisor.engines.asking import Server, ask, number, rows, text
from advisor.engines.looking import Loaded, Reading
from advisor.engines.ollama.runners import Runner, Slot, runners, slots_of
from advisor.errors import EnvironmentFailed

NO_METRICS = "Ollama has no metrics and counts no request that waits: what waits is seen by a gateway in front of it"
ELSEWHERE = "which slots are busy is told on Ollama's own machine only: run `advisor watch` there"
HIDDEN = (
    "which slots are busy is not told: its llama-servers cannot be asked from here (a container, another system than "
    "Linux, or no llama-server, as for a model of another kind)"
)
SHARED = "several Ollamas of this machine share one store of models: whose slots are whose cannot be told"


OF_SLOTS = ("prompt_tokens", "output_tokens", "requests", "filled_contexts")
COUNTED = (*OF_SLOTS, "loads")
FULL = 0.98  # of a slot's context: a prompt so long was cut, or nearly


APART_S, QUICK_LOOKS = 0.05, 3  # of looks that tell a pace


Starts = Mapping[str, tuple[float | None, ...]]
Slots = Mapping[tuple[int, int], Slot]  # by port of the runner and number of the slot


class OllamaReader:
    """Looks at one Ollama; keeps what the last look saw, because Ollama itself counts nothing."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._names: dict[str, str] = {}  # weights → model, to tell which llama-server is whose
        self._before: Slots = {}
        self._held: Starts | None = None
        self._files: Mapping[str, str] = {}  # model → its Modelfile, which names its weights
        self._several = False
        self._at_s = 0.0
        self._totals = dict.fromkeys(COUNTED, 0.0)

    def read(self, now_s: float) -> Reading:
        """One look: what is loaded and how, and the slots."""
        found = rows(ask(f"{self._server.base}/api/ps", self._server.here), "models")
        own = self._runners(found)
        seen = [(each, slots) for each in own if (slots := slots_of(each)) is not None]
        self._count(seen, self._starts(found, own), now_s)
        told = bool(seen) or (self._server.here and not found)
        why = SHARED if self._several else HIDDEN if self._server.here else ELSEWHERE
        return Reading(
            at_s=now_s,
            running=sum(slot.busy for _, slots in seen for slot in slots) if told else None,
            slots=sum(len(slots) for _, slots in seen) or None,
            loaded=tuple(self._loaded(each, seen, own) for each in found),
            totals={name: count for name, count in self._totals.items() if told or name not in OF_SLOTS},
            gaps=(NO_METRICS,) if told else (NO_METRICS, why),
        )

    def _runners(self, found: list[dict[str, object]]) -> tuple[Runner, ...]:
        """The llama-servers of this Ollama's models; another Ollama of this machine has its own."""
        if not self._server.here or not found:
            return ()
        every, held = runners(), {text(each, "name") for each in found}
        known = {name: file for name, file in self._files.items() if name in held}  # who comes back may be another
        self._files = known | {name: self._modelfile(name) for name in sorted(held - known.keys())}
        self._names = {each.blob: name for name, file in self._files.items() for each in every if each.blob in file}
        own = tuple(each for each in every if each.blob in self._names)
        self._several = len({each.parent for each in own}) > 1
        return () if self._several else own

    def _modelfile(self, name: str) -> str:
        """Which weights a model has; empty where it was removed meanwhile."""
        try:
            return text(ask(f"{self._server.base}/api/show", True, {"model": name}), "modelfile")
        except EnvironmentFailed:
            return ""

    def _loaded(
        self, found: dict[str, object], seen: list[tuple[Runner, tuple[Slot, ...]]], own: tuple[Runner, ...]
    ) -> Loaded:
        name = text(found, "name")
        runner = next((each for each in own if self._names.get(each.blob) == name), None)
        busy = next((sum(slot.busy for slot in slots) for each, slots in seen if each == runner), None)
        held, on_gpu, context = (number(found, key) for key in ("size", "size_vram", "context_length"))
        return Loaded(
            name=name,
            held_bytes=None if held is None else int(held),
            gpu_bytes=None if on_gpu is None else int(on_gpu),
            context_tokens=int(context) if context else None,
            slots=runner.slots if runner else None,
            running=busy,
        )

    def _starts(self, found: list[dict[str, object]], own: tuple[Runner, ...]) -> Starts:
        """By model what a start anew changes: the port of its runner, and its context."""
        ports = {self._names[each.blob]: each.port for each in own}
        return {
            name: (ports.get(name), number(each, "context_length") or None)
            for each in found
            if (name := text(each, "name"))
        }

    def _count(self, seen: list[tuple[Runner, tuple[Slot, ...]]], held: Starts, now_s: float) -> None:
        """Add what was read and written since the last look."""
        if self._held is not None:
            self._totals["loads"] += sum(_is_anew(start, self._held.get(name)) for name, start in held.items())
        self._held = held
        now = {(each.port, slot.number): slot for each, slots in seen for slot in slots}
        self._totals["output_tokens"] += written(now, self._before, now_s - self._at_s, self._pace(seen, now))
        contexts = {each.port: each.context_tokens for each, _ in seen}
        for (port, _), slot in begun(now, self._before):
            self._totals["requests"] += 1
            self._totals["prompt_tokens"] += slot.read
            self._totals["filled_contexts"] += slot.read >= FULL * contexts[port]
        self._before, self._at_s = now, now_s

    def _pace(self, seen: list[tuple[Runner, tuple[Slot, ...]]], now: Slots) -> dict[tuple[int, int], float]:
        """Tokens/s at this moment of the slots that serve another request than at the last look: some quick looks."""
        fresh = {place for place, slot in begun(now, self._before) if slot.busy} if self._before else set()
        theirs = [each for each, _ in seen if any(each.port == port for port, _ in fresh)]
        found: dict[tuple[int, int], float] = {}
        last, at = now, time.monotonic()
        for _ in range(QUICK_LOOKS):
            if not fresh - found.keys():
                break
            time.sleep(APART_S)
            again, then = slots_at(theirs), time.monotonic()
            found |= paces(again, last, then - at) if then > at else {}
            last, at = again, then
        return {place: pace for place, pace in found.items() if place in fresh}


def _is_anew(now: tuple[float | None, ...], then: tuple[float | None, ...] | None) -> bool:
    """Whether a model was loaded since: it was not there, or what is known of its start is another."""
    return then is None or any(one != last for one, last in zip(now, then, strict=True) if None not in (one, last))


def slots_at(found: list[Runner]) -> Slots:
    """The slots of these runners now, those of one that does not answer left out."""
    return {(each.port, slot.number): slot for each in found for slot in slots_of(each) or ()}


def paces(now: Slots, last: Slots, seconds: float) -> dict[tuple[int, int], float]:
    """Tokens/s of the slots that served one request between two looks."""
    return {
        place: max(slot.written - last[place].written, 0) / seconds
        for place, slot in now.items()
        if slot.busy and _goes_on(slot, last, place)
    }


def begun(now: Slots, before: Slots) -> Iterator[tuple[tuple[int, int], Slot]]:
    """Slots that serve, or have served, another request than at the last look."""
    for place, slot in now.items():
        last = before.get(place)
        if slot.task is not None and ((last is None and slot.busy) or (last is not None and last.task != slot.task)):
            yield place, slot


def written(now: Slots, before: Slots, seconds: float, pace: Mapping[tuple[int, int], float]) -> float:
    """Tokens since the last look.

    Of an answer that ended or began in between nobody saw all: such a slot is taken to have written all the while as
    it does at the moment (`pace`, tokens/s by slot), else as the others do, and no less than it has of the new one.
    """
    if not before:
        return 0.0
    same = {place: slot.written - before[place].written for place, slot in now.items() if _goes_on(slot, before, place)}
    changed = [place for place, slot in now.items() if slot.busy and place not in same]
    paces = [more / seconds for place, more in same.items() if now[place].busy and seconds > 0]
    usual = sum(paces) / len(paces) if paces else 0.0
    begun_since = sum(max(seconds * pace.get(place, usual), now[place].written) for place in changed)
    return begun_since + sum(max(more, 0) for more in same.values())


def _goes_on(slot: Slot, before: Slots, place: tuple[int, int]) -> bool:
    """Whether it serves, or served last, the request of the last look."""
    return place in before and before[place].task == slot.task

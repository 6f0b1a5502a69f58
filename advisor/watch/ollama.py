"""An Ollama observed: `/api/ps`, and on its own machine the slots of the llama-servers that it has started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.watch.reading import Loaded, Reading
from advisor.watch.runners import Runner, Slot, runners, slots_of
from advisor.watch.server import Server, ask, number, rows, text

NO_METRICS = "Ollama has no metrics and counts no request that waits: what waits is seen by a gateway in front of it"
ELSEWHERE = "which slots are busy is told on Ollama's own machine only: run `advisor watch` there"
SHARED = "several Ollamas of this machine share one store of models: whose slots are whose cannot be told"


class OllamaReader:
    """Looks at one Ollama; keeps what the last look saw, because Ollama itself counts nothing."""

    def __init__(self, server: Server, blobs: Mapping[str, str] | None = None) -> None:
        """`blobs`: weights → name of the model, to tell which llama-server is whose."""
        self._server, self._names = server, dict(blobs or {})
        self._before: dict[tuple[int, int], Slot] = {}
        self._held: set[str] | None = None
        self._several = False
        self._totals = dict.fromkeys(("prompt_tokens", "output_tokens", "requests", "loads"), 0.0)

    def read(self, now_s: float) -> Reading:
        """One look: what is loaded and how, and the slots."""
        found = rows(ask(f"{self._server.base}/api/ps", self._server.here), "models")
        own = self._runners(found)
        seen = [(each, slots) for each in own if (slots := slots_of(each)) is not None]
        self._count(seen, {text(each, "name") for each in found})
        told = bool(seen) or (self._server.here and not found)
        why = SHARED if self._several else ELSEWHERE
        return Reading(
            at_s=now_s,
            running=sum(slot.busy for _, slots in seen for slot in slots) if told else None,
            slots=sum(len(slots) for _, slots in seen) or None,
            loaded=tuple(self._loaded(each, own) for each in found),
            totals=dict(self._totals),
            gaps=(NO_METRICS,) if told else (NO_METRICS, why),
        )

    def _runners(self, found: list[dict[str, object]]) -> tuple[Runner, ...]:
        """The llama-servers of this Ollama's models; another Ollama of this machine has its own."""
        if not self._server.here or not found:
            return ()
        every = runners()
        for name in {text(each, "name") for each in found} - set(self._names.values()):
            shown = ask(f"{self._server.base}/api/show", True, {"model": name})
            self._names |= {each.blob: name for each in every if each.blob in text(shown, "modelfile")}
        own = tuple(each for each in every if each.blob in self._names)
        self._several = len({each.parent for each in own}) > 1
        return () if self._several else own

    def _loaded(self, found: dict[str, object], own: tuple[Runner, ...]) -> Loaded:
        name = text(found, "name")
        runner = next((each for each in own if self._names.get(each.blob) == name), None)
        held, on_gpu, context = (number(found, key) for key in ("size", "size_vram", "context_length"))
        return Loaded(
            name=name,
            held_bytes=None if held is None else int(held),
            gpu_bytes=None if on_gpu is None else int(on_gpu),
            context_tokens=int(context) if context else None,
            slots=runner.slots if runner else None,
        )

    def _count(self, seen: list[tuple[Runner, tuple[Slot, ...]]], held: set[str]) -> None:
        """Add what was read and written since the last look; of an answer that ended meanwhile the last tokens miss."""
        if self._held is not None:
            self._totals["loads"] += len(held - self._held)
        self._held = held
        for name, more in _since(seen, self._before):
            self._totals[name] += more
        self._before = {(each.port, slot.number): slot for each, slots in seen for slot in slots}


def _since(
    seen: list[tuple[Runner, tuple[Slot, ...]]], before: Mapping[tuple[int, int], Slot]
) -> Iterator[tuple[str, float]]:
    for each, slots in seen:
        for slot in slots:
            last = before.get((each.port, slot.number))
            same = last is not None and last.task == slot.task
            if slot.task is None or (last is None and not slot.busy):
                continue
            yield "output_tokens", max(slot.written - (last.written if same and last else 0), 0)
            if not same:
                yield "requests", 1
                yield "prompt_tokens", slot.read

"""One migration as a whole: where from, what to, under which load, and what clients will notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from advisor.catalog import constants, engine_limits
from advisor.engines.asking import Server
from advisor.migrate.load import Load
from advisor.migrate.moved import Moved
from advisor.schema import Hardware, value

NO_CHATS = (
    "vLLM refuses its chats (400): no chat template lies in its folder; its clients use /v1/completions, or do not move"
)
SHORT_CONTEXT = 4096  # tokens: what Ollama takes by itself on small cards, and cuts prompts to


@value
class Site:
    """Everything that `migrate` found out."""

    server: Server
    target: str
    moved: tuple[Moved, ...]
    machine: Hardware
    load: Load | None
    date: str  # YYYY-MM-DD
    others: tuple[str, ...] = ()  # models of the old engine that nobody asked to move

    @property
    def source_title(self) -> str:
        """The engine that serves now."""
        return engine_limits(self.server.engine).title

    @property
    def target_title(self) -> str:
        """The engine that is moved to."""
        return engine_limits(self.target).title

    @property
    def load_told(self) -> str:
        """Which load the plans are made for, and where it comes from."""
        answers = [each.answer for each in self.moved if each.answer is not None]
        if not answers:
            return "no plan was made"
        workload = answers[0].workload
        asked = (
            f"{workload.concurrency} requests in flight" if workload.concurrency
            else f"{workload.request_rate:.3g} requests a second" if workload.request_rate
            else f"{workload.users} users"
        )  # fmt: skip
        lengths = (
            f"{workload.input_tokens:,} tokens in, {workload.output_tokens:,} out, context {workload.context_tokens:,}"
        )
        seen = self.load.told if self.load else f"nobody watched it: as given, or by the profile {workload.profile}"
        return f"{asked}, {lengths} ({seen})"

    @property
    def meets(self) -> bool:
        """Whether every model has a plan that meets its targets."""
        return all(each.meets for each in self.moved)

    @property
    def doubts(self) -> tuple[tuple[str, str], ...]:
        """What a person should look at first, by model."""
        told = [(each.name, doubt) for each in self.moved for doubt in each.mapped.doubts]
        told += [(each.name, each.crowded) for each in self.moved if each.crowded]
        told += [(each.name, NO_CHATS) for each in self.moved if each.plan is not None and not each.carried.chats]
        if self.others and self.machine.accelerators:
            names = ", ".join(self.others[:3]) + (f" and {len(self.others) - 3} more" if len(self.others) > 3 else "")
            told.append((names, "stays, and takes memory of the cards when it is asked for: --reserve keeps room"))
        return tuple(told)

    @property
    def differences(self) -> list[dict[str, Any]]:
        """The rows of the table that touch this user."""
        touched = {"always", f"to_{self.target}", *_touched([each for each in self.moved if each.plan is not None])}
        return [row for row in constants("migrating")["differences"] if touched & set(row["touches"])]


def _touched(moved: Sequence[Moved]) -> Iterator[str]:
    """What there is of these models that makes a difference matter; what is lost is told by itself."""
    if len(moved) > 1:
        yield "several"
    for each in moved:
        found = each.mapped.found
        yield from (word for word in ("tools", "vision", "thinking", "embedding") if word in found.capabilities)
        kept = {row.what: row.kept for row in each.carried.rows}
        stops = [row.kept for row in each.carried.rows if row.what == "PARAMETER stop"]
        words = {
            "system": kept.get("SYSTEM"), "stop": not all(stops), "adapters": kept.get("ADAPTER"),
            "messages": found.messages, "short_context": found.context_tokens and found.context_tokens <= SHORT_CONTEXT,
        }  # fmt: skip
        yield from (word for word, there in words.items() if there)

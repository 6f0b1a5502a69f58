"""What becomes of each model, what is asked of all plans, and what both say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.migrate.carried import Carried
from advisor.migrate.mapping import Mapped
from advisor.migrate.rows import Row
from advisor.models.purpose import purpose
from advisor.pipeline import Answer
from advisor.schema import Hardware, Plan, value
from advisor.units import gib


@value
class Moved:
    """One model on its way: what it is, what goes along, and the plan; None, and why, where it stays."""

    mapped: Mapped
    folder: str  # below the stack's own
    carried: Carried
    answer: Answer | None = None
    plan: Plan | None = None
    because: str = ""  # of the form of its weights, or why there is no plan
    gap: bool = False  # both engines do not fit at once
    crowded: str = ""  # what it misses while the other models on its cards answer too

    @property
    def meets(self) -> bool:
        """Whether it has a plan that meets its targets, whoever else is asked."""
        return self.answer is not None and self.answer.verdict.meets_targets and not self.crowded

    @property
    def name(self) -> str:
        """As clients call it."""
        return self.mapped.found.name


@value
class Wish:
    """What the user wants of all plans."""

    target: str  # the engine that is moved to
    source: str  # the one that serves now
    overrides: Mapping[str, Any]
    profile: str | None
    machine: Hardware
    out: Path
    taken: tuple[int, ...] = ()  # ports that are in use
    measurements: str | None = None
    staying_bytes: int = 0  # on cards, held by the old engine for models that nobody asked to move
    going: tuple[str, ...] = ()  # the models that move


def kind_of(moved: Moved) -> str:
    """What it can be asked on both sides: chats, completions alone where the new engine refuses chats, or vectors."""
    model = moved.mapped.model
    if model is not None and purpose(model) == "vectors":
        return "embed"
    return "generate" if moved.carried.chats else "complete"


def lost(moved: Sequence[Moved]) -> tuple[tuple[str, Row], ...]:
    """What clients must do themselves, by model that moves."""
    going = [each for each in moved if each.plan is not None]
    return tuple((each.name, row) for each in going for row in each.carried.rows if not row.kept)


def side_by_side(moved: Sequence[Moved], machine: Hardware) -> str:
    """Whether both engines fit at once, as one sentence."""
    if any(each.gap for each in moved):
        names = ", ".join(each.name for each in moved if each.gap)
        return f"both do not fit at once: {names} must leave the old engine's memory before the new one starts"
    if machine.source != "probed":
        return "whether both fit at once is not known of a machine that nobody looked at"
    cards = [card for card in machine.accelerators if card.free_bytes is not None]
    free = sum(card.free_bytes or 0 for card in cards) if cards else machine.cpu.available_bytes or 0
    return f"both fit at once: planned within the {gib(free)} that are free beside what the old engine holds now"

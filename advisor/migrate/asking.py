"""The question about one model, and its answer in the form with the nearest bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from advisor.catalog import weights_format
from advisor.engines.own import with_own_memory
from advisor.migrate.carried import Carried
from advisor.migrate.mapping import Mapped, bits
from advisor.migrate.moved import Moved, Wish
from advisor.models.purpose import purpose
from advisor.pipeline import Answer, recommend
from advisor.schema import Hardware, ModelSpec, RunningEngine


def overrides(model: ModelSpec, mapped: Mapped, carried: Carried, reserve_bytes: int, wish: Wish) -> dict[str, Any]:
    """The question about one model: what was asked, and where nothing was, what the server does now."""
    given = {key: item for key, item in wish.overrides.items() if item is not None}
    asked = {**given, "model": mapped.named, "engine": wish.target, "parts": "none", "own_server": True}
    if carried.context_tokens and "context_tokens" not in given:
        asked["context_tokens"] = _context(carried.context_tokens, model, given)
    if "tools" in mapped.found.capabilities and model.tool_parser:
        asked.setdefault("tools", True)
    if reserve_bytes:
        asked["reserve"] = max(int(given.get("reserve", 0)), reserve_bytes)
    return asked


def _context(now: int, model: ModelSpec, given: Mapping[str, Any]) -> int:
    """The context in force; longer where the lengths that were given need it, and never beyond what was trained."""
    need = int(given.get("input_tokens") or 0) + int(given.get("output_tokens") or 0)
    return max(min(now, model.context_trained), need)


def without(machine: Hardware, done: Sequence[Moved]) -> Hardware:
    """The machine without the memory of the host that plans before this one take on it."""
    used = sum(
        each.plan.estimate.memory.used_bytes
        for each in done
        if each.plan is not None and each.plan.estimate.candidate.device == "cpu"
    )
    available = machine.cpu.available_bytes
    if not used or available is None:
        return machine
    return replace(machine, cpu=replace(machine.cpu, available_bytes=max(available - used, 0)))


def on_cards(machine: Hardware, own: Sequence[int]) -> Hardware:
    """The machine with the other cards taken; all of them where a server has none of its own."""
    if not own:
        return machine
    cards = tuple(card if card.index in own else replace(card, free_bytes=0) for card in machine.accelerators)
    return replace(machine, accelerators=cards)


def given_back(machine: Hardware, wish: Wish) -> Hardware:
    """The machine once the old engine has let go of the models that move, and of no other."""

    def leaving(server: RunningEngine) -> RunningEngine:
        return replace(server, models=tuple(each for each in server.models if each.name in wish.going))

    servers = tuple(leaving(each) if each.engine == wish.source else each for each in machine.running)
    return with_own_memory(wish.source, replace(machine, running=servers))


def nearest(mapped: Mapped, asked: Mapping[str, Any], machine: Hardware, wish: Wish) -> tuple[Answer, str]:
    """The answer in the form with the nearest bits; in any other where that one does not meet the targets."""

    def ask(quantization: str | None) -> Answer:
        overrides = {**asked, "quantization": quantization} if quantization else dict(asked)
        profile = "embedding" if purpose_of(mapped) == "vectors" and wish.profile is None else wish.profile
        return recommend(
            profile=profile, overrides=overrides, machine=machine, measurements=wish.measurements, others=False
        )

    if "quantization" in asked or mapped.format is None:
        return _said(
            ask(None), "as you said" if "quantization" in asked else "the server does not tell its weights' form"
        )
    free = ask(None)
    forms = {each.candidate.weights_format for each in _estimates(free)}
    closest = min(forms, key=lambda name: (abs(bits(name) - bits(mapped.format or name)), -bits(name)), default=None)
    if closest is None:
        return _said(free, "nothing can be loaded")
    now = f"{weights_format(mapped.format).title} ({bits(mapped.format):.3g} bits)"
    close = free if _form(free) == closest else ask(closest)
    if close.plan is not None and (close.verdict.meets_targets or not free.verdict.meets_targets):
        return _said(close, f"nearest to {now}")
    return _said(free, f"{weights_format(closest).title} is nearest to {now}, and does not meet the targets")


def purpose_of(mapped: Mapped) -> str:
    """Text or vectors."""
    return purpose(mapped.model) if mapped.model is not None else "text"


def _estimates(answer: Answer) -> list[Any]:
    verdict = answer.verdict
    judged = [*([verdict.winner] if verdict.winner else []), *verdict.losers]
    return [each.estimate for each in judged if not any(f.severity == "CRASH" for f in each.findings)]


def _form(answer: Answer) -> str | None:
    """The weights format of its plan."""
    return answer.plan.estimate.candidate.weights_format if answer.plan else None


def _said(answer: Answer, because: str) -> tuple[Answer, str]:
    if answer.plan is None:
        return answer, because
    name = answer.plan.estimate.candidate.weights_format
    return answer, f"{weights_format(name).title} ({bits(name):.3g} bits): {because}"

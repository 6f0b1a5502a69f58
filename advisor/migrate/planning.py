"""A plan of the other engine for each model: in the form with the nearest bits, beside what serves now if both fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.catalog import engine_limits, weights_format
from advisor.engines import ENGINES
from advisor.engines.naming import slug
from advisor.engines.own import with_own_memory
from advisor.errors import BadInput
from advisor.migrate.carried import TEMPLATE_FILE, Carried, Row, carried_to_ollama, carried_to_vllm
from advisor.migrate.mapping import Mapped, bits
from advisor.models.purpose import purpose
from advisor.pipeline import Answer, recommend
from advisor.plan import checks_of
from advisor.schema import Hardware, ModelSpec, Plan, Setting, value
from advisor.units import gib

SERVED, TEMPLATE, PORT = "--served-model-name", "--chat-template", "--port"
WAYS = ("compose", "native")  # both on one machine, at one address of it
_TAKEN = (8080, 9180)  # the gateway's own


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


def planned(
    models: Sequence[Mapped], wish: Wish, progress: Callable[[str], None] = lambda _: None
) -> tuple[Moved, ...]:
    """Every model with its plan, in the order in which they came.

    Raises:
        BadInput: options that contradict each other.
    """
    shares = _shares(models)
    done: list[Moved] = []
    for mapped in models:
        progress(f"planning {mapped.found.name}")
        folder = _folder(mapped, done)
        port = _port(wish, done)
        done.append(_one(_twice(mapped, done), folder, port, shares.get(mapped.found.name, 1.0), done, wish))
    return tuple(done)


def _twice(mapped: Mapped, done: Sequence[Moved]) -> Mapped:
    """The model, with a word where a server of the same weights is planned already."""
    same = [each.name for each in done if each.mapped.model and mapped.model and each.mapped.named == mapped.named]
    if not same:
        return mapped
    doubt = (
        f"the same weights as {same[0]}, in a server of its own for its own parameters: one would do where "
        f"clients send them (leave it out with --only)"
    )
    return replace(mapped, doubts=(*mapped.doubts, doubt))


def _folder(mapped: Mapped, done: Sequence[Moved]) -> str:
    taken, name = {each.folder for each in done}, f"models/{slug(mapped.found.name)}"
    return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 99))) if each not in taken)


def _port(wish: Wish, done: Sequence[Moved]) -> int:
    """The engine's usual port, or the next one that nobody has."""
    taken = {*_TAKEN, *wish.taken, *(each.plan.launch.port for each in done if each.plan)}
    usual = {"vllm": 8000, "ollama": 11434}[wish.target]
    return next(port for port in range(usual, usual + 500) if port not in taken)


def _shares(models: Sequence[Mapped]) -> dict[str, float]:
    """Of several models on the same cards, the part that each may take: by what its weights weigh now."""
    weights = {
        each.found.name: each.model.parameters * (bits(each.format) if each.format else 16.0)
        for each in models
        if each.model is not None
    }
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _one(mapped: Mapped, folder: str, port: int, share: float, done: Sequence[Moved], wish: Wish) -> Moved:
    carry = carried_to_vllm if wish.target == "vllm" else carried_to_ollama
    carried = carry(mapped)
    if mapped.model is None:
        return Moved(mapped=mapped, folder=folder, carried=carried, because=mapped.because)
    asked = _overrides(mapped.model, mapped, carried, share, wish)
    machine = _without(wish.machine, done)
    answer, because = _nearest(mapped, asked, machine, wish)
    gap = False
    if not answer.verdict.meets_targets and machine.running:
        freed, told = _nearest(mapped, asked, with_own_memory(wish.source, machine), wish)
        if freed.verdict.meets_targets or (answer.plan is None and freed.plan is not None):
            answer, because, gap = freed, told, True
    moved = Moved(mapped=mapped, folder=folder, carried=carried, answer=answer, because=because, gap=gap)
    if answer.plan is None:
        return replace(moved, because=f"no plan: {answer.verdict.summary}")
    return _told(moved, answer.plan, port, wish)


def _overrides(model: ModelSpec, mapped: Mapped, carried: Carried, share: float, wish: Wish) -> dict[str, Any]:
    """The question about one model: what was asked, and where nothing was, what the server does now."""
    given = {key: item for key, item in wish.overrides.items() if item is not None}
    asked = {**given, "model": mapped.named, "engine": wish.target, "parts": "none", "own_server": True}
    if carried.context_tokens and "context_tokens" not in given:
        asked["context_tokens"] = _context(carried.context_tokens, model, given)
    if "tools" in mapped.found.capabilities and model.tool_parser:
        asked.setdefault("tools", True)
    cards = wish.machine.accelerators
    if share < 1 and cards:
        smallest = min(card.memory_bytes for card in cards)
        asked["reserve"] = max(int(given.get("reserve", 0)), int(smallest * (1 - share)))
    return asked


def _context(now: int, model: ModelSpec, given: Mapping[str, Any]) -> int:
    """The context in force; longer where the lengths that were given need it, and never beyond what was trained."""
    need = int(given.get("input_tokens") or 0) + int(given.get("output_tokens") or 0)
    return max(min(now, model.context_trained), need)


def _without(machine: Hardware, done: Sequence[Moved]) -> Hardware:
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


def _nearest(mapped: Mapped, asked: Mapping[str, Any], machine: Hardware, wish: Wish) -> tuple[Answer, str]:
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
    nearest = min(forms, key=lambda name: (abs(bits(name) - bits(mapped.format or name)), -bits(name)), default=None)
    if nearest is None:
        return _said(free, "nothing can be loaded")
    now = f"{weights_format(mapped.format).title} ({bits(mapped.format):.3g} bits)"
    close = free if _form(free) == nearest else ask(nearest)
    if close.plan is not None and (close.verdict.meets_targets or not free.verdict.meets_targets):
        return _said(close, f"nearest to {now}")
    return _said(free, f"{weights_format(nearest).title} is nearest to {now}, and does not meet the targets")


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


def _told(moved: Moved, plan: Plan, port: int, wish: Wish) -> Moved:
    """The plan with what is carried over, the names that clients use, and a port of its own."""
    carried = moved.carried
    settings = [*plan.settings]
    if wish.target == "vllm":
        settings, carried = _for_clients(moved, settings, port, wish)
    engine = ENGINES[plan.engine]
    launch = engine.launch(plan.estimate, tuple(settings), plan.hardware, plan.workload, plan.model)
    port = port if wish.target == "vllm" else launch.port
    made = replace(plan, settings=tuple(settings), launch=replace(launch, port=port))
    return replace(moved, carried=carried, plan=replace(made, checks=checks_of(made)))


def _for_clients(moved: Moved, settings: list[Setting], port: int, wish: Wish) -> tuple[list[Setting], Carried]:
    carried, names = moved.carried, moved.mapped.found.names
    why = {SERVED: "its own name, and those that clients use now", PORT: "a port that nothing else here has"}
    added = [*carried.settings]
    if carried.template is not None and any(each.name == TEMPLATE for each in settings):
        carried = _without_template(carried)
    elif carried.template is not None:
        place = str((wish.out / moved.folder / TEMPLATE_FILE).absolute())
        reason = f"the chat template with what {moved.name} brings along"
        added.append(
            Setting(name=TEMPLATE, kind="flag", value=place, because=reason, source="engines-ollama-modelfile")
        )
    changed = []
    for each in settings:
        if each.name == SERVED:
            each = replace(each, value=" ".join(dict.fromkeys((each.value or "", *names))), because=why[SERVED])
        elif each.name == PORT and each.value != str(port):
            each = replace(each, value=str(port), because=why[PORT])
        changed.append(each)
    return [*changed, *added], carried


def _without_template(carried: Carried) -> Carried:
    """Tools are told to the model by a template of vLLM's own: what ours would have said must come from clients."""
    lost = (
        "clients must send it as the first message: the template that tells the model of its tools has no place for it"
    )
    rows = tuple(replace(row, becomes=lost, kept=False) if row.what == "SYSTEM" else row for row in carried.rows)
    return replace(carried, rows=rows, template=None)


def way_of(wish: str | None) -> str | None:
    """The way to run, of those that stand at one address of this machine.

    Raises:
        BadInput: another one.
    """
    if wish in (None, "auto", *WAYS):
        return wish
    raise BadInput(f"--run {wish}: two engines stand side by side on one machine; accepted are {' and '.join(WAYS)}")


def usual_way(target: str) -> str:
    """Natively where the engine's program is here, else by Compose where Docker is."""
    program = ENGINES[target].limits().name
    if shutil.which(program) or not shutil.which("docker"):
        return "native"
    return "compose"


def lost(moved: Sequence[Moved]) -> tuple[tuple[str, Row], ...]:
    """What clients must do themselves, by model."""
    return tuple((each.name, row) for each in moved for row in each.carried.rows if not row.kept)


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


def title(engine: str) -> str:
    """As its makers write it."""
    return engine_limits(engine).title

"""The door for what is read back: each value is one that this program itself would write, or the file is refused.

Checked before anything of it is rendered, shown or run: kind by kind (`fields`), and what has to agree - the engine's
own program, settings that this program sets, and a launch that says what the settings say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, zip_longest

from advisor.catalog import constants
from advisor.catalog.flags import accepted
from advisor.deploy import PARTS
from advisor.edge.terminal import shown, shown_key
from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.folder import kinds
from advisor.folder.fields import ANY_NUMBER, ANY_TEXT, FIELDS, MOST_CARDS, MOST_ENTRIES, NUMBERS
from advisor.schema import Hardware, Plan
from advisor.wire import to_data

Problem = tuple[str, object, str]  # path of the key, what was seen, what is accepted
DERIVED = ("program", "argv", "env", "modelfile")  # of the launch, from the settings alone
SHOWN = 5  # problems in one message


def admit_plan(plan: Plan, where: str) -> Plan:
    """The plan unchanged.

    Raises:
        BadInput: file, key, what was seen and what is accepted.
    """
    _refuse(where, islice(_plan_problems(plan), SHOWN))
    return plan


def admit_hardware(hardware: Hardware, where: str) -> Hardware:
    """A recorded machine unchanged: its fields are those of a plan's `hardware`.

    Raises:
        BadInput: file, key, what was seen and what is accepted.
    """
    _refuse(where, islice(_value_problems(to_data(hardware), "", "hardware"), SHOWN))
    return hardware


def _plan_problems(plan: Plan, at: str = "") -> Iterator[Problem]:
    data = to_data(plan)
    desk = data.pop("desk")
    odd = list(_value_problems(data, at, ""))
    yield from odd or ((f"{at}{key}", seen, wanted) for key, seen, wanted in _disagreements(plan))
    if desk is not None and at:
        yield f"{at}desk", "another plan", "nothing: a desk has no desk"
    elif plan.desk is not None:
        yield from _plan_problems(plan.desk, "desk.")


def _value_problems(found: object, at: str, path: str) -> Iterator[Problem]:
    """Every value below `path` that is none of its kind; `at` stands before the path for a person."""
    if isinstance(found, Mapping):
        yield from _too_many(found, at, path)
        named = FIELDS.get(f"{path}.*keys")
        for key, below in found.items():
            if named and named.refuses(key):
                yield f"{at}{path}", key, f"as a key {named.accepted}"
            yield from _value_problems(below, at, f"{path}.{'*' if named else key}".lstrip("."))
    elif isinstance(found, list):
        yield from _too_many(found, at, path)
        for below in found:
            yield from _value_problems(below, at, path)
    elif found is not None and not isinstance(found, bool):
        kind = FIELDS.get(path, ANY_TEXT) if isinstance(found, str) else NUMBERS.get(_last(path), ANY_NUMBER)
        if kind.refuses(found):
            yield f"{at}{path}", found, kind.accepted


def _too_many(found: Mapping[str, object] | list[object], at: str, path: str) -> Iterator[Problem]:
    most = MOST_CARDS if _last(path) == "accelerators" else MOST_ENTRIES
    if len(found) > most:
        yield f"{at}{path}", f"{len(found)} entries", f"at most {most}"


def _last(path: str) -> str:
    return path.rsplit(".", 1)[-1]


def _disagreements(plan: Plan) -> Iterator[Problem]:
    """What cannot be seen in one value alone."""
    if plan.engine not in ENGINES:
        yield "engine", plan.engine, ", ".join(ENGINES)
        return
    if plan.estimate.candidate.engine != plan.engine:
        yield "estimate.candidate.engine", plan.estimate.candidate.engine, plan.engine
    if plan.model.path is None and kinds.TAG.refuses(plan.launch.model_ref):
        yield "launch.model_ref", plan.launch.model_ref, kinds.TAG.accepted
    for part, times in Counter(plan.parts).items():
        if part not in PARTS or times > 1:
            yield "parts", part, f"each once: {', '.join(PARTS)}"
    known = {card.index for card in plan.hardware.accelerators}
    for index in set(plan.estimate.candidate.gpu_indices) - known:
        yield "estimate.candidate.gpu_indices", index, f"cards of `hardware.accelerators`: {sorted(known)}"
        return
    try:
        yield from _settings_problems(plan)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        yield "estimate", f"numbers that give no settings ({error})", "an estimate of this hardware, workload and model"


def _settings_problems(plan: Plan) -> Iterator[Problem]:
    """Settings that this program sets and the engine accepts, and a launch that holds these and nothing else."""
    engine, facts = ENGINES[plan.engine], (plan.hardware, plan.workload, plan.model)
    ours = constants("settings").keys() | {each.name for each in engine.settings(plan.estimate, *facts)}
    known = accepted(plan.engine)
    for setting in plan.settings:
        if setting.name not in ours or (setting.name.startswith("-") and setting.name not in known.get("flag", ())):
            yield "settings.name", setting.name, f"a setting of {plan.engine} that `advisor explain` lists"
    derived = engine.launch(plan.estimate, plan.settings, *facts)
    for name in DERIVED:
        found, wanted = getattr(plan.launch, name), getattr(derived, name)
        if found != wanted:
            yield (
                f"launch.{name}",
                _first_odd(found, wanted),
                f"what `settings` give, and nothing else: {shown(wanted)}",
            )


def _first_odd(found: object, wanted: object) -> object:
    """Of two lists or mappings the first entry that only one has; else all that was seen."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return next((f"{name}={text}" for name, text in found.items() if wanted.get(name) != text), found)
    if isinstance(found, tuple) and isinstance(wanted, tuple):
        return next((word for word, other in zip_longest(found, wanted) if word != other), found)
    return found


def _refuse(where: str, problems: Iterator[Problem]) -> None:
    lines = [f"{where}: {shown_key(key)}: saw {shown(seen)}; accepted: {accepted}" for key, seen, accepted in problems]
    if lines:
        raise BadInput("\n".join(lines))

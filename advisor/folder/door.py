"""The door for what is read back: each value is one that this program itself would write, or the file is refused.

Checked before anything of it is rendered, shown or run: kind by kind (`fields`), and what has to agree - the engine's
own program, settings that this program sets, and a launch that says what the settings say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from advisor.catalog import constants
from advisor.deploy import PARTS
from advisor.engines import ENGINES
from advisor.engines.accepted import accepted_names
from advisor.errors import BadInput
from advisor.folder import kinds
from advisor.folder.fields import ANY_NUMBER, ANY_TEXT, FIELDS, MOST_CARDS, MOST_ENTRIES, NUMBERS
from advisor.quoting import modelfile, shown, shown_key
from advisor.schema import Hardware, Plan
from advisor.wire import to_data

Problem = tuple[str, object, str]  # path of the key, what was seen, what is accepted
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
    yield from _value_problems(data, at, "")
    yield from ((f"{at}{key}", seen, accepted) for key, seen, accepted in _disagreements(plan))
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
    if plan.launch.program != (plan.engine, "serve"):
        yield "launch.program", list(plan.launch.program), f"[{plan.engine!r}, 'serve']"
    for part, times in Counter(plan.parts).items():
        if part not in PARTS or times > 1:
            yield "parts", part, f"each once: {', '.join(PARTS)}"
    yield from _settings_problems(plan)


def _settings_problems(plan: Plan) -> Iterator[Problem]:
    """Settings that this program sets and the engine accepts, and a launch that holds these and nothing else."""
    ours = constants("settings").keys()
    for setting in plan.settings:
        if setting.name not in accepted_names(plan.engine, setting.kind) & {"model", *ours}:
            yield "settings.name", setting.name, f"a setting of {plan.engine} that `advisor explain` lists"
    launch = plan.launch
    variables = {s.name: s.value for s in plan.settings if s.kind == "env" and s.value is not None}
    if dict(launch.env) != variables:
        yield "launch.env", _first_difference(launch.env, variables), "the settings of kind env, and nothing else"
    flags = [s for s in plan.settings if s.kind == "flag"]
    words = [word for s in flags for word in (s.name if s.name != "model" else None, s.value) if word is not None]
    if Counter(launch.argv) != Counter(words):
        odd = next(iter((Counter(launch.argv) - Counter(words)) or (Counter(words) - Counter(launch.argv))))
        yield "launch.argv", odd, "the settings of kind flag, and nothing else"
    lines = "".join(f"{s.name} {modelfile(s.value or '')}\n" for s in plan.settings if s.kind == "modelfile")
    if (launch.modelfile or "") != lines:
        yield "launch.modelfile", launch.modelfile, "the settings of kind modelfile, and nothing else"


def _first_difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    name = next(name for name in (*found, *wanted) if found.get(name) != wanted.get(name))
    return f"{name}={found[name]}" if name in found else f"no {name}"


def _refuse(where: str, problems: Iterator[Problem]) -> None:
    lines = [f"{where}: {shown_key(key)}: saw {shown(seen)}; accepted: {accepted}" for key, seen, accepted in problems]
    if lines:
        raise BadInput("\n".join(lines))

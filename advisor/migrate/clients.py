"""The plan as clients of the old engine meet it: what is carried over, their names for it, a port of its own."""

from __future__ import annotations

from dataclasses import replace

from advisor.engines import ENGINES
from advisor.migrate.carried import Carried
from advisor.migrate.checkpoint import TEMPLATE_FILE
from advisor.migrate.moved import Moved, Wish
from advisor.plan import checks_of
from advisor.schema import Plan, Setting

SERVED, TEMPLATE, PORT = "--served-model-name", "--chat-template", "--port"


def for_clients(moved: Moved, plan: Plan, port: int, wish: Wish) -> Moved:
    """The plan with what is carried over, the names that clients use, and a port of its own."""
    carried = moved.carried
    settings = [*plan.settings]
    if wish.target == "vllm":
        settings, carried = _settings(moved, settings, port, wish)
    engine = ENGINES[plan.engine]
    launch = engine.launch(plan.estimate, tuple(settings), plan.hardware, plan.workload, plan.model)
    port = port if wish.target == "vllm" else launch.port
    made = replace(plan, settings=tuple(settings), launch=replace(launch, port=port))
    return replace(moved, carried=carried, plan=replace(made, checks=checks_of(made)))


def _settings(moved: Moved, settings: list[Setting], port: int, wish: Wish) -> tuple[list[Setting], Carried]:
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

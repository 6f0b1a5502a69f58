"""What a plan would run or open that this program would not plan for the same model and machine.

The door lets a plan name its own image, repository and settings: who made it may have had reasons. Before this program
starts such a plan, whoever asks for it has to say that its maker is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import constants
from advisor.edge.terminal import shown
from advisor.engines import ENGINES
from advisor.schema import Plan


def unplanned(plan: Plan) -> Iterator[str]:
    """What of a plan takes effect beyond its facts, one description each; the plan of its desk included."""
    for each in filter(None, (plan, plan.desk)):
        yield from _of_one(each)


def _of_one(plan: Plan) -> Iterator[str]:
    engine, facts = ENGINES[plan.engine], (plan.hardware, plan.workload, plan.model)
    settings = engine.settings(plan.estimate, *facts)
    launch = engine.launch(plan.estimate, settings, *facts)
    if _repository(plan.launch.image) != _repository(launch.image):
        yield f"plan.json names the image {shown(plan.launch.image)}, not {_repository(launch.image)}"
    if plan.launch.bind != launch.bind:
        yield f"plan.json listens on {plan.launch.bind}, not {launch.bind}"
    given, wanted = ({setting.name: setting.value for setting in each} for each in (plan.settings, settings))
    opens = {name: entry["opens"] for name, entry in constants("settings").items() if "opens" in entry}
    for name, when in opens.items():
        if when == "always" and name in given:
            yield f"plan.json runs the Python of {shown(plan.launch.model_ref)} ({name}): read it first"
        elif when == "unplanned" and name in given and (name not in wanted or given[name] != wanted[name]):
            yield f"plan.json sets {name} to {shown(given[name])}, where {shown(wanted.get(name))} is planned"
        elif (
            when == "unplanned" and name in wanted and name not in given
        ):  # the engine's own default then holds: vLLM listens everywhere
            yield f"plan.json leaves out {name}, where {shown(wanted[name])} is planned"


def _repository(image: str) -> str:
    """Without digest and tag: whoever owns it owns every state of it."""
    name = image.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name

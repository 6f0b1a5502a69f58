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
    wanted = {setting.name: setting.value for setting in settings}
    opens = {name: entry["opens"] for name, entry in constants("settings").items() if "opens" in entry}
    for setting in plan.settings:
        planned = wanted.get(setting.name)
        if opens.get(setting.name) == "always":
            yield f"plan.json runs the Python of {shown(plan.launch.model_ref)} ({setting.name}): read it first"
        elif setting.name in opens and (setting.name not in wanted or planned != setting.value):
            yield f"plan.json sets {setting.name} to {shown(setting.value)}, where {shown(planned)} is planned"


def _repository(image: str) -> str:
    """Without digest and tag: whoever owns it owns every state of it."""
    name = image.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name

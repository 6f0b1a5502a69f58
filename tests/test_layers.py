"""Which room of the package may import which: the floors of the house, from the ground up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from advisor import __file__ as package

ROOT = Path(package).parent
# A room imports from lower floors only; rooms on one floor do not know each other.
FLOORS = (
    "__init__ errors frozen pattern units",
    "edge",
    "quoting schema wire",
    "shell",
    "catalog",
    "models physics",
    "engines",
    "deploy probe rules",
    "folder",
    "bundles checklist measured propose workload",
    "estimate plan predict render",
    "compare evaluate",
    "decide",
    "verdict",
    "search",
    "pipeline sizing",
    "check smoke",
    "watch",
    "migrate",
    "report",
    "benchmark programs tune",
    "page",
    "commands",
    "calibrate cli refresh",
)


def room_of(module: str) -> str:
    """`advisor.physics.speed.step` stands in `physics`, `advisor.decide` is a room of its own."""
    name = module.split(".")[1]
    return name if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists() else "__init__"


def imports() -> Iterator[tuple[str, str]]:
    """Every pair of rooms of which the first imports the second."""
    for file in ROOT.rglob("*.py"):
        place = room_of("advisor." + ".".join(file.relative_to(ROOT).with_suffix("").parts))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names = [f"advisor.{name}" for name in names] if module == "advisor" else [module]
            yield from ((place, room_of(name)) for name in names if name.startswith("advisor."))


def test_a_room_imports_from_lower_floors_only() -> None:
    """Every room stands on a floor, and no import runs upward or between rooms of one floor."""
    floor = {room: height for height, rooms in enumerate(FLOORS) for room in rooms.split()}
    upward = {(one, other) for one, other in imports() if one != other and floor[one] <= floor[other]}
    assert not upward


def test_the_root_of_the_package_stays_small() -> None:
    """At most 17 modules lie beside the rooms: the ground, and the stages of the way."""
    assert len(list(ROOT.glob("*.py"))) <= 17

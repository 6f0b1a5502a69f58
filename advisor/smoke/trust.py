"""Before a folder's scripts are run: they are what the plan renders, and the files beside them hold only settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from advisor.catalog.flags import accepted
from advisor.edge.reading import is_link
from advisor.edge.terminal import shown
from advisor.engines import ENGINES
from advisor.errors import BadInput
from advisor.folder.atomic import present, read_bytes, same
from advisor.folder.contents import entries
from advisor.plan import with_own_checks
from advisor.render import render
from advisor.schema import Plan
from advisor.smoke.envfile import assignments
from advisor.smoke.runners.compose import OVERRIDES
from advisor.smoke.unplanned import unplanned

SOURCED = (".env", "engine.env")  # by run.sh
PROGRAMS = "state/bin"  # before everything else on run.sh's PATH
PLACES = ("HF_TOKEN", "HF_HOME")  # that every way to run takes from there
SHOWN = 5
OFFERED = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=", re.MULTILINE)  # by .env.example


def require_ours(plan: Plan, folder: Path) -> None:
    """Refuse a folder in which something would run that the plan does not render, or a plan that runs what is not ours.

    An override file beside compose.yaml is somebody's own, and Compose loads it: it needs trust whatever it holds.

    Raises:
        BadInput: which files, and why.
    """
    own = tuple(unplanned(plan))
    if own:
        raise BadInput(
            f"{folder}: what would be started is not what advisor plans for this model and machine: "
            f"{'; '.join(own[:SHOWN])}. Plan it here (advisor recommend), or, if you trust whoever made this plan, "
            "repeat with --trust-files"
        )
    found = tuple(foreign(plan, folder))
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise BadInput(
            f"{folder}: smoke runs what lies there, and this is not what plan.json gives: {'; '.join(found[:SHOWN])}"
            f"{more}. Write the folder again (advisor render plan.json --out . --force), or, if you trust "
            "whoever wrote these files, repeat with --trust-files"
        )


def foreign(plan: Plan, folder: Path) -> Iterator[str]:
    """What would run or take effect beside the plan, one description each."""
    files = {file.path: file.text for file in render(with_own_checks(plan))}
    for path, text in files.items():
        if not path.endswith(".md") and present(folder / path) and not same(folder / path, text):
            yield f"{path} differs"
    for name in OVERRIDES:
        if present(folder / name):
            yield f"{name} changes compose.yaml"
    yield from (f"{path.relative_to(folder)} is a link" for path in entries(folder) if _leads_away(path))
    yield from (f"{path.relative_to(folder)} would run" for path in entries(folder / PROGRAMS) if not is_link(path))
    offered = {*OFFERED.findall(files.get(".env.example", "")), *accepted(plan.engine).get("env", ()), *PLACES}
    offered |= ENGINES[plan.engine].supplies(plan).fetched.keys()  # fetch.sh writes it down
    for name in SOURCED:
        yield from _beyond_settings(folder / name, offered)


def _leads_away(path: Path) -> bool:
    """Whether something may be written through a link there; the files that are only sourced may lie elsewhere."""
    return is_link(path) and path.name not in SOURCED


def _beyond_settings(path: Path, offered: set[str]) -> Iterator[str]:
    """Lines of a sourced file that are more than a value of a variable that somebody has to fill in."""
    if present(path) and not path.is_file():
        yield f"{path.name} is no regular file"
        return
    content = read_bytes(path)
    variables, others = assignments((content or b"").decode(errors="replace"))
    for line in others:
        yield f"{path.name} has a line that is no plain NAME=value: {shown(line)}"
    for name in variables:
        if name not in offered:
            yield f"{path.name} sets {shown(name)}, which .env.example does not offer"

"""`render(plan) -> Files`: places what was decided. Pure; the only importer of jinja2; the caller writes.

The templates lie beside the package in a checkout and inside it in a wheel.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2

from advisor import quoting
from advisor.catalog.kept import cache_folder
from advisor.catalog.versions import limits_of
from advisor.checklist import stated_version
from advisor.checklist.table import by_time, table
from advisor.deploy import PARTS, replicas
from advisor.deploy.gateway import WRITES
from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.builds import build, chosen_slice, maker
from advisor.engines.downloads import download_s, fetches, told
from advisor.engines.naming import slug
from advisor.engines.ways import ON_HOST, WAYS, ways_of
from advisor.errors import EnvironmentFailed
from advisor.schema import Plan, RenderedFile

SHARED = (
    Placement("_shared/README.md.j2", "README.md"),
    Placement("_shared/CHECKLIST.md.j2", "CHECKLIST.md"),
    Placement("_shared/env.example.j2", ".env.example", ways=("compose", *ON_HOST), systems=("linux", "darwin")),
    Placement("_shared/stop.sh.j2", "stop.sh", executable=True, ways=("native",)),
)
FOR_SERVERS = (
    Placement("_shared/checks.sh.j2", "checks.sh", executable=True),
    Placement("_shared/gitignore.j2", ".gitignore"),
    Placement("_shared/operations.md.j2", "docs/operations.md"),
)
DESK = "desk"
MARK = "\ufeff"  # without it the PowerShell that comes with Windows takes letters beyond ASCII for two others
FILTERS = {
    "plain": quoting.plain,
    "words": quoting.plain_words,
    "sh": quoting.shell,
    "ps": quoting.powershell,
    "yaml": quoting.yaml,
    "compose": quoting.compose,
    "prose": quoting.prose,
    "cell": quoting.cell,
    "code": quoting.markdown_code,
    "block": quoting.markdown_block,
    "comment": quoting.comment,
    "caddycomment": quoting.caddy_comment,
    "caddymodel": quoting.caddy_model,
    "caddylist": quoting.caddy_list,
    "command": quoting.command,
    "json": quoting.json_text,
    "modelfile": quoting.modelfile,
    "alert": quoting.alert,
    "kubernetes": quoting.kubernetes,
    "literal": quoting.literal,
    "helm": quoting.alert,  # a value that a chart passes through Go's templates
    "unit_word": quoting.systemd,
    "quadlet": quoting.quadlet,
    "unit_value": quoting.unit_value,
    "unit_path": quoting.unit_path,
    "unit_text": quoting.unit_text,
}


def render(plan: Plan) -> tuple[RenderedFile, ...]:
    """Every file of the deployment folder but plan.json, by path; the desk's in a folder of its own."""
    around = [placement for part in plan.parts for placement in PARTS[part].placements(plan)]
    placements = (*SHARED, *(FOR_SERVERS if has_docs(plan) else ()), *ENGINES[plan.engine].placements(plan), *around)
    ways, context = set(ways_of(plan)), _context(plan)
    here = (placement for placement in placements if placement.on(plan.hardware.os))
    chosen = (placement for placement in here if not placement.ways or ways & set(placement.ways))
    files = [_place(placement, context) for placement in chosen]
    if plan.desk is not None:
        files += [replace(file, path=f"{DESK}/{file.path}") for file in render(plan.desk)]
    return tuple(sorted(files, key=lambda file: file.path))


def has_docs(plan: Plan) -> bool:
    """Whether README has a second volume: where others depend on it, or it takes more than a folder and a gateway."""
    return plan.serves_others or bool(set(plan.parts) - {"compose", "native", "gateway"})


def template_folder() -> Path:
    """Where the templates are.

    Raises:
        EnvironmentFailed: neither the checkout nor the installed package has them.
    """
    package = Path(__file__).parent
    for folder in (package.parent / "templates", package / "_templates"):
        if (folder / "_shared").is_dir():
            return folder
    raise EnvironmentFailed(f"the templates are missing beside {package}: install the package again")


@functools.cache
def environment() -> jinja2.Environment:
    """One environment: an unknown name is an error, and whoever places a string says for which reader."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no HTML here; every value passes a filter of its target language
        cache_size=-1,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    made.bytecode_cache = bytecode_cache()
    return made


class Kept(jinja2.FileSystemBytecodeCache):
    """Compiled templates beside other caches of this user; what cannot be written is compiled again next time."""

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Write one template's byte code if the disk lets us."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def bytecode_cache() -> Kept | None:
    """Compiling the templates takes longer than all else here, so their byte code is kept as Python keeps its own."""
    folder = cache_folder("templates")
    return Kept(str(folder)) if folder else None


def _example(plan: Plan) -> str:
    """The body of a first request, as JSON."""
    body: dict[str, Any] = {"model": plan.launch.served_name}
    if plan.workload.kind == "embed":
        return json.dumps(body | {"input": "hello"})
    if plan.workload.kind == "rerank":
        return json.dumps(body | {"query": "what is hello?", "documents": ["a greeting", "a number"], "top_n": 1})
    messages = [{"role": "user", "content": "hello"}]
    return json.dumps(body | {"messages": messages, "max_tokens": 64, "temperature": 0.7, "top_p": 0.9})


def _place(placement: Placement, context: Mapping[str, Any]) -> RenderedFile:
    text = environment().get_template(placement.template).render(context)
    if placement.path.endswith(".ps1") and not text.isascii():
        text = f"{MARK}{text}"
    return RenderedFile(path=placement.path, text=text, executable=placement.executable)


def _context(plan: Plan) -> dict[str, Any]:
    engine = ENGINES[plan.engine]
    return {
        "plan": plan,
        "launch": plan.launch,
        "candidate": plan.estimate.candidate,
        "container": engine.container(plan),
        "servers": replicas.servers(plan),
        "preparation": engine.preparation(plan),
        "engine": limits_of(plan.engine, plan.engine_version),
        "version": stated_version(plan),
        "set_commands": engine.set_commands(plan),
        "vendor": maker(plan),  # None on a CPU, like the engine's build for its cards
        "build": build(plan),
        "slice": chosen_slice(plan),
        "name": slug(plan.name),
        "desk": DESK if plan.desk is not None else None,
        "example": _example(plan),
        "example_path": WRITES[plan.workload.kind][0],
        "download": told(plan),
        "supplies": engine.supplies(plan) if fetches(plan) else None,  # how the weights come; None: they are here
        "download_s": math.ceil(download_s(plan.launch.cache_bytes, plan.workload)),
        # A part that the plan does not have is None, so that a template can ask for it.
        **{name: PARTS[name].facts(plan) if name in plan.parts else None for name in PARTS},
        "ways": ways_of(plan),
        "around": [part for part in plan.parts if part not in WAYS.values()],
        "has_docs": has_docs(plan),
        "table": table(plan),
        "commands": by_time(plan.checks),
    }

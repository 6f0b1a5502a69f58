"""The stack in which both engines stand side by side: a folder a model, a gateway with one switch, and the steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from advisor.deploy import gateway
from advisor.deploy.gateway import Gateway
from advisor.engines.ways import ways_of
from advisor.migrate.checkpoint import TEMPLATE_FILE
from advisor.migrate.document import document
from advisor.migrate.moved import Moved, kind_of, lost, side_by_side
from advisor.migrate.site import Site
from advisor.pipeline import files_of
from advisor.quoting import shell, yaml
from advisor.render import environment
from advisor.schema import Plan, RenderedFile

RECORD = "migration.json"
MOST_LOST = 12  # lines of MIGRATION.md; the record has all of them
PROMPTS = "prompts.txt"
_TEMPLATES = (
    ("migrate/Caddyfile.j2", "gateway/Caddyfile", False), ("migrate/gateway.sh.j2", "gateway.sh", True),
    ("migrate/env.example.j2", ".env.example", False), ("migrate/compare.sh.j2", "compare.sh", True),
    ("migrate/MIGRATION.md.j2", "MIGRATION.md", False), ("migrate/DIFFERENCES.md.j2", "DIFFERENCES.md", False),
)  # fmt: skip
_SHORT = {"max_tokens": 8, "temperature": 0}
_QUESTIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "generate": ("chat/completions", {"messages": [{"role": "user", "content": "hello"}], **_SHORT}),
    "complete": ("completions", {"prompt": "hello", **_SHORT}),
    "embed": ("embeddings", {"input": "hello"}),
}
_PROMPTS = """What is the capital of France? Answer with one word.
Count from one to ten in words.
Write two sentences about the sea.
Translate into German: the weather is fine today.
Name three primary colours, separated by commas.
"""


def stack_files(site: Site) -> tuple[RenderedFile, ...]:
    """Every file of the folder; none of the stack's own where no model has a plan."""
    record = RenderedFile(path=RECORD, text=json.dumps(document(site), indent=2, ensure_ascii=False) + "\n")
    going = [each for each in site.moved if each.plan is not None]
    if not going:
        return (record,)
    context = _context(site, going)
    own = [
        RenderedFile(path=path, text=environment().get_template(name).render(context), executable=executable)
        for name, path, executable in _TEMPLATES
    ]
    prompts = RenderedFile(path=PROMPTS, text=_PROMPTS)
    below = [file for each in going if each.plan is not None for file in _model_files(each, each.plan)]
    return (record, prompts, *own, *below)


def _model_files(moved: Moved, plan: Plan) -> Iterator[RenderedFile]:
    """The deployment folder of one model, and its chat template where it brings one along."""
    yield from (replace(file, path=f"{moved.folder}/{file.path}") for file in files_of(plan))
    if moved.carried.template is None:
        return
    yield RenderedFile(path=f"{moved.folder}/{TEMPLATE_FILE}", text=moved.carried.template)
    if "compose" in ways_of(plan):
        yield RenderedFile(path=f"{moved.folder}/compose.override.yaml", text=_mounted(plan))


def _mounted(plan: Plan) -> str:
    """What shows the template to the container, at the path that its arguments name."""
    place = next(each.value for each in plan.settings if each.name == "--chat-template") or ""
    lines = ("services:", "  engine:", "    volumes:", "      - type: bind", f"        source: ./{TEMPLATE_FILE}")
    return "\n".join((*lines, f"        target: {yaml(place)}", "        read_only: true")) + "\n"


def _context(site: Site, going: Sequence[Moved]) -> dict[str, Any]:
    """What the templates see, decided here."""
    plans = [each.plan for each in going if each.plan is not None]
    target = {"engine": site.target, "title": site.target_title, "address": f"127.0.0.1:{plans[0].launch.port}"}
    told = lost(site.moved)
    return {
        "plan": {"summary": f"From {site.source_title} to {site.target_title}, side by side"},
        "gateway": _gateway(plans),
        "keys": None,
        "source": {
            "engine": site.server.engine, "title": site.source_title, "address": site.server.upstream,
            "base": site.server.base, "version": site.server.version,
        },
        "target": target,
        "models": [_behind(each, each.plan) for each in going if each.plan is not None],
        "listed": [*(each.name for each in site.moved), *site.others],
        "moved": [_row(each, site) for each in site.moved],
        "together": _sentence(side_by_side(site.moved, site.machine)),
        "gap": any(each.gap for each in going),
        "unload": _unload(going, site),
        "room": _empty(going, site),
        "stays": bool(site.others) or any(each.plan is None for each in site.moved),
        "doubts": [f"{name}: {doubt}" for name, doubt in site.doubts],
        "lost": [f"{name}: {row.what} {_short(row.was)}: {row.becomes}" for name, row in told[:MOST_LOST]],
        "more_lost": max(len(told) - MOST_LOST, 0),
        "differences": site.differences,
        "load": site.load_told,
        "date": site.date,
    }  # fmt: skip


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def _gateway(plans: Sequence[Plan]) -> Gateway:
    """One gateway for all of them: what the largest needs, and a health check that both engines answer."""
    facts = [gateway.facts(plan) for plan in plans]
    return replace(
        facts[0],
        health_path="/v1/models",
        writes=tuple(dict.fromkeys(path for each in facts for path in each.writes)),
        body_bytes=max(each.body_bytes for each in facts),
        most_in_flight=sum(each.most_in_flight for each in facts),
        limit_s=max(each.limit_s for each in facts),
        drain_s=max(each.drain_s for each in facts),
        grace_s=max(each.grace_s for each in facts),
    )


def _behind(moved: Moved, plan: Plan) -> dict[str, Any]:
    found, address = moved.mapped.found, f"127.0.0.1:{plan.launch.port}"
    path, words = _QUESTIONS[kind_of(moved)]
    question = json.dumps({"model": found.name, **words}, ensure_ascii=False)
    return {
        "name": found.name, "names": found.names, "address": address, "url": f"http://{address}", "path": path,
        "question": question,
    }  # fmt: skip


def _row(moved: Moved, site: Site) -> dict[str, Any]:
    """One model as the pages tell of it."""
    plan, model = moved.plan, moved.mapped.model
    native = plan is not None and "native" in ways_of(plan)
    start, stop = ("./run.sh", "./stop.sh") if native else ("docker compose up --detach --wait", "docker compose down")
    names = "" if plan is None or site.target == "vllm" else "".join(
        f" && OLLAMA_HOST=127.0.0.1:{plan.launch.port} ollama cp {shell(plan.launch.served_name)} {shell(name)}"
        for name in moved.mapped.found.names[:1]
    )  # fmt: skip
    return {
        "name": moved.name,
        "checkpoint": "stays where it is" if plan is None else plan.launch.model_ref,
        "place": moved.folder if plan is not None else "none",
        "folder": shell(moved.folder),
        "because": moved.because,
        "why": f"{model.hf_id if model else 'not mapped'}: {moved.mapped.because}",
        "rows": [{"what": row.what, "was": _short(row.was), "becomes": row.becomes} for row in moved.carried.rows],
        "start": f"(cd {shell(moved.folder)} && {start}){names}" if plan is not None else "",
        "stop": f"(cd {shell(moved.folder)} && {stop})" if plan is not None else "",
        "check": "" if plan is None else f"curl -fsS http://127.0.0.1:{plan.launch.port}/v1/models",
    }


def _empty(going: Sequence[Moved], site: Site) -> str:
    """A command that ends well once the old engine holds none of the models that move."""
    base = site.server.base
    if site.server.engine != "ollama":
        return f"! curl -fsS {base}/health"
    names = " ".join(f"-e {shell(json.dumps(name))}" for each in going for name in each.mapped.found.names)
    return f'held=$(curl -fsS {base}/api/ps) && ! grep -qF {names} <<<"$held"'


def _unload(going: Sequence[Moved], site: Site) -> str:
    """What gives the memory of the old engine free."""
    if site.server.engine != "ollama":
        return "stop vLLM the way it was started"
    names = [each.name for each in going if each.mapped.found.loaded] or [each.name for each in going]
    return " && ".join(f"OLLAMA_HOST={shell(site.server.base)} ollama stop {shell(name)}" for name in names)

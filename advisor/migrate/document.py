"""`migrate --json`, and the record in the folder: what was read, what was decided, what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.migrate.moved import Moved, kind_of, side_by_side
from advisor.wire import to_data

if TYPE_CHECKING:
    from advisor.migrate.site import Site


def document(site: Site) -> dict[str, Any]:
    """Everything as plain data; texts of prompts are in none of it."""
    return {
        "schema_version": 1,
        "from": to_data(site.server),
        "to": site.target,
        "date": site.date,
        "meets_targets": site.meets,
        "side_by_side": side_by_side(site.moved, site.machine),
        "load": to_data(site.load) if site.load else None,
        "load_told": site.load_told,
        "models": [_model(each, site) for each in site.moved],
        "differences": site.differences,
        "switch": {"file": "state/engine", "values": [site.server.engine, site.target]},
    }


def _model(moved: Moved, site: Site) -> dict[str, Any]:
    mapped, plan = moved.mapped, moved.plan
    return {
        "name": moved.name,
        "names": list(mapped.found.names),
        "checkpoint": mapped.model.hf_id if mapped.model else None,
        "kind": kind_of(moved),
        "mapped": mapped.because,
        "confirmed": mapped.confirmed,
        "doubts": list(mapped.doubts),
        "format_now": mapped.format,
        "because": moved.because,
        "carried": [to_data(row) for row in moved.carried.rows if row.kept],
        "not_carried": [to_data(row) for row in moved.carried.rows if not row.kept],
        "gap": moved.gap,
        "meets_targets": moved.meets,
        "crowded": moved.crowded,
        "summary": moved.answer.verdict.summary if moved.answer else moved.because,
        "nearest_yes": to_data(moved.answer.verdict.nearest_yes) if moved.answer else [],
        "address": {"from": site.server.base, "to": f"http://127.0.0.1:{plan.launch.port}" if plan else None},
        "plan": None
        if plan is None
        else {
            "folder": moved.folder,
            "engine": plan.engine,
            "model_ref": plan.launch.model_ref,
            "quantization": plan.estimate.candidate.weights_format,
            "context_tokens": plan.estimate.candidate.context_tokens,
            "max_in_flight": plan.estimate.candidate.max_in_flight,
            "arguments": list(plan.launch.argv),
        },
    }

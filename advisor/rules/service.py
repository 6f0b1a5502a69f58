"""SVC: concurrency, features and the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.engines.admission import last_answer_s
from advisor.engines.beside import beside
from advisor.models.ranks import instead, ranker
from advisor.models.thinking import thinking, written_tokens
from advisor.rules.base import Case, Contest
from advisor.units import count, gib


def svc301(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the engine serves this family one request at a time and more are in flight."""
    forced = case.model.model_type in case.limits.single_slot_families or (
        case.workload.kind == "embed" and "single_slot_embeddings" in case.limits.features
    )
    if not forced or case.estimate.peak_in_flight <= 1:
        return None
    what = "embedding models" if case.workload.kind == "embed" else case.model.model_type
    return (
        f"{case.limits.title} {case.limits.version} serves {what} with 1 slot; {case.estimate.peak_in_flight} requests "
        f"are in flight at peak"
    )


def svc302(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes an exposed engine without a key."""
    if not case.workload.exposed or "api_key" in case.limits.features:
        return None
    title = case.limits.title
    return f"{title} has 0 ways to ask for a key, 1 is needed beyond loopback: the gateway in front asks for it"


def svc303(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when a production service lacks what operators need."""
    missing = [name for name in threshold["features"] if name not in case.limits.features]
    if not case.workload.production or not missing:
        return None
    return (
        f"a production service needs {' and '.join(threshold['features'])}; {case.limits.title} "
        f"{case.limits.version} lacks {' and '.join(missing)}"
    )


def svc304(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes what tool calls will miss."""
    if not case.workload.tools:
        return None
    if "tool_choice" not in case.limits.features:
        return f"the clients call tools; {case.limits.title} {case.limits.version} ignores tool_choice"
    if case.model.tool_parser is None:
        return f"the clients call tools; no tool parser is known for {case.model.hf_id}, so 0 of them would be found"
    return None


def svc310(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes how much is thought before an answer, and what requests have to say for it."""
    plan = thinking(case.workload, case.model)
    if not plan.tokens and plan.effort is None:
        return None
    said = f'each request says reasoning_effort: "{plan.effort}"'
    fixed = "server_template" in case.limits.features and plan.template
    how = "the server says so for every request" if fixed else said if plan.effort else "nothing turns it down"
    answer = f"an answer of {count(case.workload.output_tokens)} tokens"
    return f"{case.model.hf_id} is planned to think {count(plan.tokens)} tokens before {answer}: {how}"


def svc311(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes what a burst meets: who runs at once, who waits, and when the last one has an answer."""
    estimate = case.estimate
    if estimate.burst < 2 or not estimate.memory.fits:
        return None
    slots = estimate.candidate.max_in_flight * estimate.candidate.replicas
    run = min(estimate.burst, slots)
    last = last_answer_s(estimate, written_tokens(case.workload, case.model))
    when = f"the last has the whole answer after about {last:.0f} s" if last else "no speed tells when the last is done"
    return f"{estimate.burst} ask at the same moment: {run} run, {estimate.burst - run} wait; {when}"


def svc305(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Notes the differences when both engines are planned."""
    if contest.workload.engine != "both":
        return None
    return (
        "2 engines are planned behind 1 API: test tool_choice, n, logit_bias, max_completion_tokens, image URLs and "
        "the sampling defaults on both"
    )


def svc313(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Says what memory is kept for others, and for whom."""
    parts = [f"{gib(case.workload.reserve)} of every card stay free, as asked"] if case.workload.reserve else []
    for each in beside(case.hardware, case.workload):
        size = gib(each.needed_bytes)
        place = f"on GPU {each.card.index}: {size} stay free" if each.card else f"on the CPU: {size} of memory are kept"
        parts.append(f"{each.model.hf_id} runs beside {place} for it (its start stands in CHECKLIST.md)")
    return "; ".join(parts) or None


def svc314(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when passages are to be ranked and the engine does not come to scores of this model."""
    if case.workload.kind != "rerank":
        return None
    engine, name = f"{case.limits.title} {case.limits.version}", case.model.hf_id
    if "rerank" not in case.limits.features:
        return f"{engine} has 0 interfaces that rank passages, 1 is needed"
    found = ranker(case.model)
    if found is None:
        known = case.model.architecture or "this architecture"
        return f"{engine} has 0 documented ways from {known} ({name}) to scores; type --model {instead()}"
    away = case.estimate.candidate.device == "cpu" and case.workload.run not in ("native", "systemd")
    if found.template and away:
        return (
            f"{name} needs the prompt {found.template}, and the image for CPUs holds 0 of them; type --run native, or "
            f"--model {instead()}"
        )
    return None


def svc306(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires when exactly one of the engines that can run meets the targets."""
    meeting = contest.meeting
    if len(contest.able) < 2 or len(meeting) != 1:
        return None
    other = next(name for name in contest.able if name not in meeting)
    missed = "; ".join(finding.message for finding in contest.misses[other])
    return f"only {contest.titles[meeting[0]]} meets the targets; {contest.titles[other]}: {missed}"


def svc307(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires when every candidate of all other engines was refused."""
    able = contest.able
    if len(able) != 1 or len(contest.best) < 2:
        return None
    others = "; ".join(f"{contest.titles[name]} cannot: {why}" for name, why in contest.refused.items())
    return f"1 of {len(contest.best)} engines can run this here: {contest.titles[able[0]]}; {others}"


def svc308(contest: Contest, threshold: Mapping[str, Any]) -> str | None:
    """Fires when something can run and nothing meets the targets."""
    if not contest.able or contest.meeting:
        return None
    return f"{len(contest.able)} of {len(contest.best)} engines can run this, 0 meet the targets"

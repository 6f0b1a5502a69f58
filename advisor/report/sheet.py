"""What the report page says, as plain text and drawings: every section of it, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from markupsafe import Markup

from advisor.catalog import engine_limits, sources, weights_format
from advisor.check.outcome import CheckReport
from advisor.decide.words import unit_of
from advisor.pipeline import Answer
from advisor.plan import checks_of
from advisor.report.again import HARDWARE_FILE, command_of
from advisor.report.changed import changed
from advisor.report.chart import Chart, charts, legend, table
from advisor.report.headline import explanation, sentence, short_form, title_of, with_short_forms, word
from advisor.report.memory_svg import memory_bar_svgs
from advisor.report.predictions import predictions
from advisor.report.results import Results
from advisor.report.smoke_sheet import smoke_sheet
from advisor.report.steps import assumed
from advisor.report.svg import chart_svg
from advisor.report.tiles import kind_of, tiles
from advisor.schema import Judged, Plan
from advisor.units import count, ms, several
from advisor.wire import to_json

MOST_OTHERS = 60  # ways that lost; a page is to be read
_MACHINE = "machine: "
_STATES = {"pass": "ok", "fail": "miss", "skipped": "", "by hand": ""}


class Cells(NamedTuple):
    """A row of a table: its cells, and how it is marked."""

    cells: tuple[str, ...]
    kind: str = ""


class Drawn(NamedTuple):
    """A chart and the same as a table."""

    title: str
    svg: Markup
    legend: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]


class Set(NamedTuple):
    """A setting, and whether it differs from the engine's default."""

    name: str
    value: str
    because: str
    source: str
    differs: bool


def sheet(answer: Answer, plan: Plan, note: str, results: Results) -> dict[str, Any]:
    """The sections of the report by name, for the template."""
    verdict = answer.verdict
    return {
        "title": f"{word(answer).capitalize()}: {sentence(answer)}",
        "word": word(answer),
        "kind": "ok" if verdict.meets_targets else "miss",
        "sentence": sentence(answer),
        "told": [line for line in explanation(answer) if line],
        "confidence": verdict.confidence,
        "notes": [each for each in (note, answer.facts.note if answer.facts else "") if each],
        "assumed": list(_assumed(answer)),
        "tiles": tiles(answer),
        "predictions": [Cells((*row[:4], row.state), kind_of(row.state)) for row in predictions(answer)],
        "nearest": [(each.change, with_short_forms(each.result)) for each in verdict.nearest_yes],
        "charts": [Drawn(chart.title, drawing(chart), legend(chart), *table(chart)) for chart in charts(answer)],
        "memory": memory_bar_svgs(plan.estimate, answer.hardware),
        "reasons": list(_reasons(answer)),
        "first": f"one {answer.workload.made}" if answer.workload.pooled else "first word",
        "unit": unit_of(answer.workload),
        "ways": list(_ways(answer)),
        "left_out": max(len(verdict.losers) - MOST_OTHERS, 0),
        "settings": list(_settings(plan)),
        "checks": list(_checks(plan, results.check)),
        "checked": _when_checked(results),
        "smoke": smoke_sheet(results.smoke) if results.smoke else None,
        "versions": list(_versions(plan)),
        "command": command_of(plan),
        "recorded_as": HARDWARE_FILE if HARDWARE_FILE in command_of(plan) else "",
        "plan_json": to_json(plan),
    }


def _assumed(answer: Answer) -> Iterator[str]:
    """As on a terminal, and everything of a machine that was only named."""
    yield from (line for line in assumed(answer) if not line.startswith(_MACHINE))
    if answer.hardware.assumed:
        yield _MACHINE + "; ".join(answer.hardware.assumed)


def _reasons(answer: Answer) -> Iterator[Cells]:
    for each in answer.verdict.reasons:
        yield Cells((each.rule, each.message, source_text(each.source)))


def source_text(key: str) -> str:
    """A source as text: nothing in the page leads out of it, and none of this machine's folders is named."""
    known = sources().get(key)
    if known is None:
        return key
    return known.title if known.url.startswith("file:") else f"{known.title}, {known.url}"


def drawing(chart: Chart) -> Markup:
    """The chart as part of a page."""
    return Markup(chart_svg(chart))  # noqa: S704 - its text is escaped


def _ways(answer: Answer) -> Iterator[Cells]:
    """What was chosen, then every other way in the order in which they were preferred."""
    verdict = answer.verdict
    if verdict.winner is not None:
        yield _way(verdict.winner, "chosen")
    yield from (_way(judged, judged.why_lost) for judged in verdict.losers[:MOST_OTHERS])


def _way(judged: Judged, said: str) -> Cells:
    """Engine, form, cards, first word, total, and what told against it."""
    estimate = judged.estimate
    way, speed = estimate.candidate, estimate.peak_speed
    cards = several(way.cards_in_all, "card") if way.gpu_indices else "CPU"
    copies = f", {way.replicas} copies" if way.replicas > 1 else ""
    title = f"{title_of(judged)}, {short_form(way.weights_format)}, {cards}{copies}"
    cache = "" if way.kv_cache_dtype == "auto" else f", KV cache {way.kv_cache_dtype}"
    first = ms(speed.ttft_p95_s.expected) if speed else "-"
    total = count(speed.output_tokens_per_s.expected * way.replicas) if speed else "-"
    return Cells((title + cache, first, total, said), "chosen" if said == "chosen" else "")


def _settings(plan: Plan) -> Iterator[Set]:
    """Those that differ first."""
    differ = {each.name for each in changed(plan)}
    for each in sorted(plan.settings, key=lambda each: each.name not in differ):
        yield Set(each.name, each.value or "", each.because, source_text(each.source), each.name in differ)


def _checks(plan: Plan, report: CheckReport | None) -> Iterator[Cells]:
    """What must be so, what it must show, and what a check saw."""
    seen = {line.id: line for line in report.lines} if report else {}
    for check in checks_of(plan):
        line = seen.get(check.id)
        state = line.status if line else ""
        told = "; ".join(filter(None, (line.reason, line.seen))) if line and line.status != "pass" else ""
        yield Cells((check.fact, check.expect, check.otherwise, state, told), _STATES.get(state, ""))


def _when_checked(results: Results) -> str:
    if results.check is None:
        return ""
    lines = results.check.lines
    counts = ", ".join(f"{sum(line.status == state for line in lines)} {state}" for state in _STATES)
    return f"{results.checked}, {results.check.target}: {counts}"


def _versions(plan: Plan) -> Iterator[tuple[str, str]]:
    stamp = plan.catalog
    yield "advisor", plan.advisor_version or "unknown"
    yield engine_limits(plan.engine).title, plan.engine_version
    candidate = plan.estimate.candidate
    pinned = plan.model.revisions.get(candidate.model_ref)
    at = f" at {pinned.name}" if pinned else ""
    yield "weights", f"{candidate.model_ref}{at}, {weights_format(candidate.weights_format).title}"
    yield "image", plan.launch.image
    if stamp is not None:
        own = f", with entries of {', '.join(stamp.own)}" if stamp.own else ""
        yield "catalogue", f"{stamp.version} of {stamp.date}{own}"
        yield "its checksum", stamp.checksum
    machine = plan.hardware
    cards = ", ".join(dict.fromkeys(card.name for card in machine.accelerators)) or machine.cpu.model
    yield "machine", f"{cards} ({machine.source})"
    if machine.nvidia_driver:
        yield "driver", machine.nvidia_driver

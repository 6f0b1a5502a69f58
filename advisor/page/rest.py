"""Below the verdict: remedies, memory, reasons, settings, and the folder to take along."""

from __future__ import annotations

from urllib.parse import urlencode

from advisor.catalog import engine_limits, sources, weights_format
from advisor.page.html import Html, Inside, el, table
from advisor.page.question import MOST_PINS, Asked, changed, label
from advisor.page.runs_shown import starting
from advisor.pipeline import Answer, files_of
from advisor.report.changed import changed as differing
from advisor.report.headline import closest, title_of, with_short_forms
from advisor.report.memory_bar import groups, shares, split
from advisor.report.steps import steps
from advisor.units import gib


def rest(asked: Asked, answer: Answer, pins: Inside) -> Html:
    """What would make it a yes, plans side by side, memory, reasons, settings, the folder."""
    parts = (
        _remedies(asked, answer),
        _pinning(asked),
        pins,
        _elsewhere(asked),
        _memory(answer),
        _why(answer),
        _settings(answer),
    )
    return el("div", parts, _folder(asked, answer), id="rest", data_address=asked.address())


def _remedies(asked: Asked, answer: Answer) -> Html | None:
    changes = answer.verdict.nearest_yes
    if not changes:
        return None
    rows = [
        el("li", _remedy(asked, each.change), f": {with_short_forms(each.result)}", _price(each.usd_per_hour))
        for each in changes
    ]
    return el("section", el("h3", "One of these makes it a yes"), el("ul", rows, class_="remedies"))


def _remedy(asked: Asked, change: str) -> Html:
    """A link to the question with the change made, where it is one that can be typed."""
    other = changed(asked, change)
    if other is None:
        return el("strong", change)
    made = [f"{label(name)} {text}" for name, text in other.typed.items() if asked.typed.get(name) != text]
    return el("a", "; ".join(made) or change, href=other.address(), class_="apply", title=change)


def _price(usd_per_hour: float | None) -> str:
    return f", about ${usd_per_hour:.2f}/h rented" if usd_per_hour else ""


def _pinning(asked: Asked) -> Html:
    if asked.alone() in asked.pins:
        return el("p", "This plan is pinned.", class_="quiet")
    if len(asked.pins) == MOST_PINS:
        return el("p", f"{MOST_PINS} plans are pinned: unpin one to pin this.", class_="quiet")
    link = asked._replace(pins=(*asked.pins, asked.alone())).address()
    return el("p", el("a", "Pin this plan", href=link, class_="button"), " to see it beside others")


def _elsewhere(asked: Asked) -> Html:
    """To the machines that `advisor size` finds for the question."""
    return el("p", el("a", "Which machines would carry this, and what they cost", href=f"size?{asked.alone()}"))


def _memory(answer: Answer) -> Html | None:
    if answer.verdict.winner is None:
        return None
    estimate = answer.verdict.winner.estimate
    memory = estimate.memory
    fullest, _ = split(groups(estimate, answer.hardware), memory)
    parts = [part for part in shares(memory, fullest) if part[1] > 0]  # an encoder has no KV cache
    rows = [(name, gib(size), _bar(name, size / max(memory.device_bytes, 1))) for name, size in parts]
    return el("section", el("h3", "Memory"), table(("part", "size", "share"), rows, "Memory of each device in use"))


def _bar(name: str, share: float) -> Html:
    """A bar whose length is an attribute, as the page allows no style in its text."""
    percent = f"{100 * min(max(share, 0), 1):.1f}%"
    rect = el("rect", width=percent, height="100%", class_=f"bar {name.partition(' ')[0].lower()}")
    return el("svg", rect, class_="share", role="img", aria_label=percent)


def _why(answer: Answer) -> Html:
    """Every rule that spoke, and what each other way lost by."""
    rows: list[list[Inside]] = [
        [_explained(finding.rule), finding.severity.lower(), finding.message] for finding in answer.verdict.reasons
    ]
    rows += [
        [f"{title_of(other)}, {weights_format(other.estimate.candidate.weights_format).title}", "lost", other.why_lost]
        for other in closest(answer)
    ]
    shown = table(("rule or other way", "kind", "what it says"), rows, "Why, and why not the others")
    return el("section", el("h3", "Why, and why not the others"), shown)


def _explained(name: str) -> Html:
    return el("a", name, href=f"explain?{urlencode({'id': name})}")


def _settings(answer: Answer) -> Html | None:
    plan = answer.plan
    if plan is None:
        return None
    differing_names = {each.name for each in differing(plan)}
    rows = [
        [each.name, each.value or "", each.because, sources()[each.source].title if each.source in sources() else ""]
        for each in plan.settings
    ]
    title = (
        f"{len(plan.settings)} settings of {engine_limits(plan.engine).title}, {len(differing_names)} of them its own"
    )
    return el(
        "details", el("summary", title), table(("setting", "value", "because", "source"), rows, "Settings")
    )  # fmt: skip


def _folder(asked: Asked, answer: Answer) -> Html | None:
    """The files to take along, what to type then, and the two tests that can be started here."""
    if answer.plan is None:
        return None
    link = el(
        "a", "Download the folder (zip)", href=f"deploy.zip?{asked.alone()}", download="deploy.zip", class_="button"
    )
    files = tuple(file.path for file in files_of(answer.plan))
    todo = [el("li", el("code", command), f" {comes}") for command, comes in steps(answer, files, "deploy")]
    todo = todo if answer.verdict.meets_targets else []
    typed = el("p", "The same in a terminal: ", el("code", asked.command()))
    return el(
        "section",
        el("h3", "The folder"),
        el("p", link),
        el("ul", todo) if todo else None,
        typed,
        starting(asked, answer),
    )

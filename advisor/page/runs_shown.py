"""How a run is started, watched and told."""

from __future__ import annotations

import time
from typing import Any

from advisor.page.html import Html, Inside, el, every, table
from advisor.page.question import Asked
from advisor.page.runs import Run
from advisor.pipeline import Answer

_EVERY = "every 700ms"
_SHOWN = 40  # lines


def starting(asked: Asked, answer: Answer) -> Html:
    """Buttons that start the checklist and the smoke test of this plan."""
    note = (
        ""
        if answer.hardware.source == "probed"
        else " The plan is for another machine than this one, and they will say so."
    )
    return el(
        "form",
        el("p", f"On this machine, in a folder of their own that goes away with the page.{note}", class_="quiet"),
        el("input", type="hidden", name="question", value=asked.alone()),
        el("button", "Run the checklist", name="kind", value="check"),
        el("button", "Run the smoke test", name="kind", value="smoke"),
        el("label", "seconds for each load ", el("input", name="seconds", type="number", value=15, min=1, max=3600)),
        method="post",
        action="runs",
        hx_post="runs",
        hx_target="#watched",
        hx_swap="innerHTML",
        hx_include="this",
        hx_sync="this:drop",
        class_="runs",
        aria_label="Test this plan on this machine",
    )


def shown(run: Run) -> Html:
    """The run as it stands; while it goes on it asks for itself again."""
    goes_on = run.code is None
    seconds = time.monotonic() - run.began if goes_on else run.seconds
    watching: dict[str, str] = (
        {"hx_get": f"runs/{run.id}", "hx_trigger": _EVERY, "hx_swap": "outerHTML"} if goes_on else {}
    )
    title = "Checklist" if run.kind == "check" else "Smoke test"
    return el(
        "section",
        el("h3", f"{title}: ", el("span", run.state, class_=_class(run)), f", {seconds:.0f} s"),
        _cancelling(run) if goes_on and not run.cancelled else None,
        _report(run),
        el("pre", "\n".join(list(run.lines)[-_SHOWN:]), tabindex=0, aria_label="What it says") if run.lines else None,
        el("noscript", el("a", "Look again", href=f"runs/{run.id}")) if goes_on else None,
        id=f"run-{run.id}",
        class_="run",
        aria_live="off" if goes_on else "polite",
        hx_target="this",
        **watching,
    )


def _class(run: Run) -> str:
    return {"passed": "yes", "failed": "no", "ended": "no"}.get(run.state, "perhaps")


def _cancelling(run: Run) -> Html:
    where = f"runs/{run.id}/cancel"
    return el("form", el("button", "Cancel"), method="post", action=where, hx_post=where, hx_swap="outerHTML")


def _report(run: Run) -> Html | None:
    """The lines of a checklist, or the steps of a smoke test and what it measured beside what was predicted."""
    told = run.report
    if not told:
        return None
    if run.kind == "check":
        rows: list[list[Inside]] = [[each["status"], each["fact"], _reason(each)] for each in told.get("lines", ())]
        return table(("result", "fact", "reason, or what was seen"), rows, "Checklist")
    steps = [[each["name"], each["result"], f"{each['seconds']:.1f}", each["detail"]] for each in told.get("steps", ())]
    measured = [
        [each["figure"], each["in_flight"], f"{each['expected']:.4g} ({each['low']:.4g} to {each['high']:.4g})",
         f"{each['measured']:.4g} {each['unit']}", "yes" if each["in_range"] else "no"]
        for each in told.get("comparisons", ())
    ]  # fmt: skip
    head = ("figure", "in flight", "predicted", "measured", "in range")
    return every(
        table(("step", "result", "s", "what was seen"), steps, "Steps"),
        table(head, measured, "Predicted and measured") if measured else None,
    )


def _reason(line: dict[str, Any]) -> str:
    """Of a failure what was seen and what to do, of a skipped line why."""
    seen = line["seen"].splitlines()[-1] if line["seen"] else ""
    return f"{seen} – {line['otherwise']}" if line["status"] == "fail" else line["reason"] or seen

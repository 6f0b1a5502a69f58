"""The right side: the verdict, what is predicted against what is asked, both charts, and below them the rest."""

from __future__ import annotations

from advisor.page.charts import charts
from advisor.page.html import Html, Inside, el, every
from advisor.page.question import Asked
from advisor.page.rest import rest
from advisor.pipeline import Answer
from advisor.report.headline import explanation, sentence, word
from advisor.report.predictions import MISSES, OK, Prediction, predictions
from advisor.report.steps import assumed

_CROWD = "before it slips"  # what tells how much load is carried, which takes longest


def quick(asked: Asked, answer: Answer, pins: Inside = None) -> Html:
    """What is shown while somebody drags: the rest asks for itself once they rest."""
    waiting = el(
        "div",
        el("p", "Working out how many more it carries, and the settings …", class_="quiet"),
        pins,
        id="rest",
        hx_get="rest",
        hx_trigger="load delay:350ms",
        hx_include="#question",
        hx_target="this",
        hx_swap="outerHTML",
        hx_sync="this:replace",
    )
    return every(_head(answer), charts(asked, answer), waiting)


def whole(asked: Asked, answer: Answer, pins: Inside) -> Html:
    """Everything at once, for a page that is opened or has no scripts."""
    return every(_head(answer), charts(asked, answer), rest(asked, answer, pins))


def settled(asked: Asked, answer: Answer, pins: Inside) -> Html:
    """The rest for a page that shows the quick part already, and what a screen reader is told."""
    crowd = _crowd(answer, swapped=True)
    return every(rest(asked, answer, pins), crowd, said(f"{word(answer)}. {sentence(answer)}", swapped=True))


def said(text: str, *, swapped: bool = False) -> Html:
    """What a screen reader tells when an answer has settled."""
    return el("p", text, id="said", role="status", class_="unseen", hx_swap_oob="true" if swapped else None)


def refused(message: str) -> Html:
    """What cannot be used, one fact a line."""
    lines = [el("p", line) for line in message.splitlines() if line]
    return el("div", el("h2", "This cannot be answered"), lines, role="alert", class_="refused")


def _head(answer: Answer) -> Html:
    verdict = answer.verdict
    kind = "yes" if verdict.meets_targets else "no"
    tiles = [_tile(each) for each in predictions(answer) if _CROWD not in each.label]
    return el(
        "section",
        el("h2", el("span", f"{word(answer).capitalize()}:", class_=kind), f" {sentence(answer)}"),
        el("p", " ".join(filter(None, explanation(answer)))),
        el("p", f"Confidence {verdict.confidence}. Assumed: ", "; ".join(assumed(answer, typed=False)), class_="quiet"),
        el("div", tiles, _crowd(answer), class_="tiles"),
        class_="verdict",
        aria_label="Verdict",
    )


def _crowd(answer: Answer, *, swapped: bool = False) -> Html | None:
    """How much load is carried: its place until that is worked out, which takes longest; gone where it has no end."""
    if answer.verdict.winner is None:
        return None
    told = next((each for each in predictions(answer) if _CROWD in each.label), None)
    if told is not None:
        return _tile(told, id="crowd", hx_swap_oob="true" if swapped else None)
    if swapped:
        return el("div", id="crowd", hx_swap_oob="delete")
    return el("div", el("p", "users before it slips"), el("strong", "–"), id="crowd", class_="tile")


def _tile(told: Prediction, **attributes: str | None) -> Html:
    """One prediction beside its target."""
    span = f"{told.span} in 8 of 10 runs · " if told.span != "-" else ""
    target = f"target {told.target} " if told.target != "none" else "no target"
    state = el("b", told.state, class_=_kind(told)) if told.state else None
    detail = el("p", span, target, state)
    return el("div", el("p", told.label), el("strong", told.predicted), detail, class_="tile", **attributes)


def _kind(told: Prediction) -> str:
    return "yes" if told.state.startswith(OK) else "no" if told.state.startswith(MISSES) else "perhaps"

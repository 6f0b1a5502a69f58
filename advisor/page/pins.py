"""Up to four plans side by side."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.page.html import Html, Inside, el, table
from advisor.page.question import Asked
from advisor.pipeline import Answer
from advisor.report.headline import cards, people, short_form, short_model, title_of, word
from advisor.report.predictions import predictions


def pins(asked: Asked, pinned: Sequence[tuple[Asked, Answer]]) -> Html | None:
    """A column a plan; its head leads to its question, its foot takes it away."""
    if not pinned:
        return None
    head: list[Inside] = ["of the plan", *(_opened(asked, one, number) for number, (one, _) in enumerate(pinned, 1))]
    facts = [_facts(answer) for _, answer in pinned]
    rows: list[list[Inside]] = [
        [label, *(each.get(label, "–") for each in facts)]
        for label in dict.fromkeys(key for each in facts for key in each)
    ]
    rows.append(["take away", *(_unpinned(asked, one, number) for number, (one, _) in enumerate(pinned, 1))])
    return el("section", el("h3", "Pinned plans"), table(head, rows, "Pinned plans side by side"))


def _opened(asked: Asked, one: Asked, number: int) -> Html:
    return el("a", f"Plan {number}", href=one._replace(pins=asked.pins).address())


def _unpinned(asked: Asked, one: Asked, number: int) -> Html:
    left = tuple(pin for pin in asked.pins if pin != one.alone())
    return el("a", "Unpin", href=asked._replace(pins=left).address(), aria_label=f"Unpin plan {number}")


def _facts(answer: Answer) -> dict[str, str]:
    winner = answer.verdict.winner
    found = {
        "verdict": f"{word(answer).capitalize()}, confidence {answer.verdict.confidence}",
        "for": people(answer.workload),
        "model": short_model(answer.model.hf_id),
    }
    if winner is not None:
        candidate = winner.estimate.candidate
        found |= {
            "engine": title_of(winner),
            "weights": short_form(candidate.weights_format),
            "where": cards(candidate, answer.hardware.accelerators),
        }
    return found | {each.label: f"{each.predicted} {each.state}".strip() for each in predictions(answer)}

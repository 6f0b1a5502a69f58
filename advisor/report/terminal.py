"""`recommend` on a terminal: an answer to look at, at most 45 lines at 80 columns."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from rich.text import Text

from advisor.pipeline import Answer
from advisor.report.changed import changed
from advisor.report.chart import rate_chart
from advisor.report.headline import explanation, sentence, with_short_forms, word
from advisor.report.layout import clause, columns, padded, paragraph
from advisor.report.memory_bar import memory_bars
from advisor.report.predictions import MAY_MISS, MISSES, OK, Prediction, predictions
from advisor.report.screen import Screen
from advisor.report.steps import assumed, steps
from advisor.report.text_chart import text_chart
from advisor.units import ms

MOST_LINES = 44  # and one more where the verdict is repeated
_CHART_FRAME = 4  # lines of a chart that are no rows of its plot
_CHART_ROWS = (5, 10)  # of its plot
_INDENT = 5
_NARROW = 70  # columns, below which labels are short
_MOST_SETTINGS, _MOST_NAMED, _MOST_CHANGES = 6, 5, 4
_MOST_VALUE = 28  # characters of a setting's value
_MOST_REASON = 46  # characters of a setting's reason
_STATES = {OK: "green", MAY_MISS: "yellow", MISSES: "red"}
Lines = list[Text]


class Written(NamedTuple):
    """The files of the plan, the folder they were written to (None: nothing was written), and what would write them."""

    files: tuple[str, ...]
    folder: str | None
    otherwise: str = "the same without --dry-run"


def lines(answer: Answer, written: Written, screen: Screen) -> Lines:
    """Verdict, predictions, chart, memory, what was assumed, settings, next steps; a blank line between blocks."""
    top = [verdict_lines(answer, screen.columns), prediction_lines(answer, screen.columns)]
    for most in range(_MOST_SETTINGS, 0, -1):
        below = _below(answer, written, screen, most)
        room = MOST_LINES - len(_joined([*top, *below])) - 1 - _CHART_FRAME
        if room >= _CHART_ROWS[0]:
            break
    shown = _joined([*top, chart_lines(answer, screen, min(max(room, _CHART_ROWS[0]), _CHART_ROWS[1])), *below])
    return shown + ([_again(answer)] if screen.rows is not None and len(shown) >= screen.rows else [])


def _below(answer: Answer, written: Written, screen: Screen, most: int) -> list[Lines]:
    """The blocks below the chart, with so many settings at most."""
    width = screen.columns
    return [
        list(_nearest(answer, width)),
        list(_memory(answer, screen)),
        [*_assumed(answer, width), *_settings(answer, width, most)],
        [*_next(answer, written, width), *_footer(answer, written, width)],
    ]


def _joined(blocks: list[Lines]) -> Lines:
    told: Lines = []
    for block in filter(None, blocks):
        told += ([Text("")] if told else []) + block
    return told


def verdict_lines(answer: Answer, width: int) -> Lines:
    """The word, the sentence, the confidence at the end of its line where there is room."""
    style = "bold green" if answer.verdict.meets_targets else "bold red"
    head = Text(word(answer), style=style)
    told = list(paragraph(sentence(answer), width, head=head, indent=_INDENT, style="bold"))
    sure = f"confidence {answer.verdict.confidence}"
    rest = " ".join(filter(None, explanation(answer)))
    if told[-1].cell_len + len(sure) + 3 <= width:
        told[-1] = padded(told[-1], width - len(sure)).append(sure, style="dim")
    else:
        rest = f"{rest} {sure.capitalize()}."
    return told + list(paragraph(rest, width, indent=_INDENT))


def _again(answer: Answer) -> Text:
    """The verdict in one line, for a screen on which its beginning has gone."""
    style = "bold green" if answer.verdict.meets_targets else "bold red"
    return padded(Text(word(answer), style=style), _INDENT).append(sentence(answer))


def prediction_lines(answer: Answer, width: int) -> Lines:
    """Predicted, range, target and state in columns; the target is named even where there is none."""
    told = predictions(answer)
    if not told:
        return list(paragraph(_targets(answer), width, indent=_INDENT, style="dim"))
    narrow = width < _NARROW
    titles = Prediction("", "predicted", "8 of 10 runs", "target", "")
    rows = [
        titles,
        *(
            each._replace(label=_short(each.label), span=each.span.replace(" to ", "-")) if narrow else each
            for each in told
        ),
    ]
    wide = [max(len(row[place]) for row in rows) for place in range(len(titles))]
    indent, left = _INDENT, width - sum(wide) - _INDENT
    if left < len(wide) - 1:
        indent, left = 0, left + _INDENT
    gap = " " * min(max(left // (len(wide) - 1), 1), 3)
    return [_prediction_line(row, wide, indent, gap, bare=row is titles) for row in rows]


def _short(label: str) -> str:
    """`users before it slips` → `users`."""
    return label.partition(",")[0].partition(" before")[0].removeprefix("time ")


def _prediction_line(row: Prediction, wide: list[int], indent: int, gap: str, *, bare: bool) -> Text:
    dim = "dim" if bare else ""
    line = Text(f"{'':{indent}}{row.label:<{wide[0]}}{gap}").append(f"{row.predicted:>{wide[1]}}", style=dim)
    line.append(f"{gap}{row.span:>{wide[2]}}", style="dim").append(f"{gap}{row.target:>{wide[3]}}", style=dim)
    style = next((style for state, style in _STATES.items() if row.state.startswith(state)), "")
    return line.append(f"{gap}{row.state}", style=style) if row.state else line


def _targets(answer: Answer) -> str:
    """The targets where nothing runs that they could stand beside."""
    asked = answer.workload
    named = (("first word", asked.ttft_ms), ("time per token", asked.tpot_ms), ("answer", asked.first_answer_ms))
    told = [f"{name} {ms(target / 1000)}" for name, target in named if target is not None]
    return f"target: {', '.join(told) or 'none'} (p95)"


def chart_lines(answer: Answer, screen: Screen, rows: int) -> Lines:
    """The curve of both engines; nothing where no speed is known."""
    chart = rate_chart(answer)
    return list(text_chart(chart, screen.columns, rows, unicode=screen.unicode)) if chart else []


def _memory(answer: Answer, screen: Screen) -> Iterator[Text]:
    if answer.verdict.winner is not None:
        estimate = answer.verdict.winner.estimate
        yield from memory_bars(estimate, answer.hardware, screen.columns, unicode=screen.unicode)


def _nearest(answer: Answer, width: int) -> Iterator[Text]:
    """What would make it a yes: what to type, and what comes of it."""
    changes = answer.verdict.nearest_yes
    if not changes:
        return
    yield Text("One of these makes it a yes", style="bold")
    rows = [
        (
            Text(each.change, style="cyan"),
            with_short_forms(each.result) + (f", ${each.usd_per_hour:.2f}/h" if each.usd_per_hour else ""),
        )
        for each in changes[:_MOST_CHANGES]
    ]
    yield from columns(rows, width, indent=2)
    if len(changes) > _MOST_CHANGES:
        yield Text(f"  {len(changes) - _MOST_CHANGES} more: --full", style="dim")


def _assumed(answer: Answer, width: int) -> Iterator[Text]:
    for number, said in enumerate(assumed(answer)):
        head = Text("" if number else "Assumed", style="bold")
        yield from paragraph(said, width, head=padded(head, 10), indent=10)


def _settings(answer: Answer, width: int, most: int) -> Iterator[Text]:
    """Those that differ, a line each with the beginning of its reason; the last ones by name only."""
    if answer.plan is None or not answer.verdict.meets_targets:
        return
    every = changed(answer.plan)
    said = f"{len(every)} of {len(answer.plan.settings)} differ from the engine's defaults (all: --settings)"
    yield from paragraph(said, width, head=padded(Text("Settings", style="bold"), 10), indent=10)
    shown, others = every[:most], every[most:]
    names = max((len(each.name) for each in shown), default=0) + 2
    texts = [_beginning(each.value or "") for each in shown]
    values = max(map(len, texts), default=0) + 2
    for each, text in zip(shown, texts, strict=True):
        line = Text("  ").append(f"{each.name:<{names}}", style="cyan").append(f"{text:<{values}}")
        yield line.append(clause(each.because, min(width - line.cell_len, _MOST_REASON)), style="dim")
    if others:
        named = ", ".join(each.name + (f"={each.value}" if each.value else "") for each in others[:_MOST_NAMED])
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        yield from paragraph(f"also {named}{more}", width, indent=2, style="dim")


def _beginning(value: str) -> str:
    """A value that leaves room for its reason; all of a long one, such as a JSON object, is in --settings."""
    return value if len(value) <= _MOST_VALUE else f"{value[: _MOST_VALUE - 3].rstrip()}..."


def _next(answer: Answer, written: Written, width: int) -> Iterator[Text]:
    told = steps(answer, written.files, written.folder, written.otherwise)
    rows = [(Text("" if number else "Next", style="bold"), *step) for number, step in enumerate(told)]
    yield from columns(rows, width)


def _footer(answer: Answer, written: Written, width: int) -> Iterator[Text]:
    """Where the files are and where more is told; the files are counted, not listed."""
    where = shlex.quote(written.folder) if written.folder else ""
    files = f"{len(written.files)} files in {where}: {where}/README.md. " if answer.plan and where else ""
    more = "More: --why, --settings, --full; for programs --json"
    yield from paragraph(files + more, width, style="dim")

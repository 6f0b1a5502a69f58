"""`recommend --full`, `--why` and `--settings`: everything that was found, section by section."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from advisor.catalog import engine_limits, sources, weights_format
from advisor.catalog.ranking import score_of
from advisor.decide import vetoed
from advisor.decide.words import unit_of
from advisor.models.thinking import first_answer_s, thinking
from advisor.pipeline import Answer
from advisor.report.headline import closest, title_of
from advisor.report.layout import columns, paragraph
from advisor.report.memory_bar import memory_bars
from advisor.report.screen import Screen
from advisor.report.steps import steps
from advisor.report.terminal import Written, chart_lines, prediction_lines, verdict_lines
from advisor.schema import CurvePoint, Estimate, Figure, Judged, Speed, Workload
from advisor.search.option import columns as cells
from advisor.units import count, gib, ms

_STYLES = {"CRASH": "red", "OOM": "red", "SILENT": "red", "PERF": "yellow", "NOTE": "dim"}
_CHART_ROWS = 12


def full(answer: Answer, written: Written, screen: Screen) -> Iterator[Text]:
    """Every section, each with a title and a blank line before it."""
    width = screen.columns
    yield from verdict_lines(answer, width)
    yield from _model_lines(answer, width)
    sections = (
        ("The best models that meet the targets here", list(_options(answer, width))),
        ("Targets", prediction_lines(answer, width)),
        ("", chart_lines(answer, screen, _CHART_ROWS)),
        ("Why", list(_why(answer, width))),
        ("What would make it a yes", list(_nearest(answer, width))),
        ("What to expect", list(_expect(answer, width))),
        ("Memory", list(_memory(answer, screen))),
        ("Settings", list(_settings(answer, width))),
        ("Files", list(_files(answer, written, width))),
    )
    for title, body in sections:
        if body:
            yield Text("")
            yield from [Text(title, style="bold")] if title else []
            yield from body


def why(answer: Answer, screen: Screen) -> Iterator[Text]:
    """The verdict and every rule that spoke, with what each other way lost by."""
    yield from verdict_lines(answer, screen.columns)
    yield Text("")
    yield from _why(answer, screen.columns)
    yield from paragraph("The rule behind an id: advisor explain ID", screen.columns, style="dim")


def all_settings(answer: Answer, screen: Screen) -> Iterator[Text]:
    """The verdict and every setting with its whole reason."""
    yield from verdict_lines(answer, screen.columns)
    yield Text("")
    yield from _settings(answer, screen.columns)


def _model_lines(answer: Answer, width: int) -> Iterator[Text]:
    told = [answer.verdict.summary, answer.model_because or _score(answer), *answer.model_steps]
    if answer.hardware.assumed:
        told.append("assumed: " + "; ".join(answer.hardware.assumed))
    told += [f"note: {answer.facts.note}"] if answer.facts and answer.facts.note else []
    for line in filter(None, told):
        yield from paragraph(line, width, style="dim")


def _score(answer: Answer) -> str:
    """The public score of a model that was named, where there is one."""
    score = score_of(answer.model.hf_id, answer.workload.task)
    return f"{answer.model.hf_id}: {score} ({sources()[score.source].url})" if score else ""


def _options(answer: Answer, width: int) -> Iterator[Text]:
    """Model, public score, weights, memory and pace of each, and where the scores are from."""
    yield from columns([(Text(name), "; ".join(rest)) for name, *rest in map(cells, answer.options)], width)
    scored = (score_of(option.hf_id, option.task) for option in answer.options)
    origins = dict.fromkeys(sources()[score.source].url for score in scored if score)
    if origins:
        yield from paragraph(f"scores: {', '.join(origins)}", width, style="dim")


def _why(answer: Answer, width: int) -> Iterator[Text]:
    rows: list[tuple[Text, Text, str]] = []
    for finding in answer.verdict.reasons:
        style = _STYLES[finding.severity]
        rows.append((Text(finding.rule, style=style), Text(finding.severity.lower(), style=style), finding.message))
    told = {finding.message for finding in answer.verdict.reasons}
    for judged in closest(answer):
        reason = judged.why_lost.partition(": ")
        said = f"by {reason[0]}, above" if reason[2] in told else judged.why_lost
        form = weights_format(judged.estimate.candidate.weights_format).title
        rows.append((Text(""), Text("lost", style="dim"), f"{title_of(judged)}, {form}: {said}"))
    yield from columns(rows, width)


def _nearest(answer: Answer, width: int) -> Iterator[Text]:
    rows = [
        (
            Text(each.change, style="bold"),
            each.result + (f" (about ${each.usd_per_hour:.2f}/h rented)" if each.usd_per_hour else ""),
        )
        for each in answer.verdict.nearest_yes
    ]
    yield from columns(rows, width)


def _expect(answer: Answer, width: int) -> Iterator[Text]:
    """Of each engine that can run: what it gives at the busiest moment and on average, then the curve in numbers."""
    for judged in (answer.verdict.winner, *closest(answer)):
        if judged is not None and not vetoed(judged):
            yield from _speeds(judged, answer.workload, width)
    for line in _load_lines(answer):
        yield from paragraph(line, width)
    yield from _curve(answer.verdict.curve, unit_of(answer.workload), width)


def _speeds(judged: Judged, asked: Workload, width: int) -> Iterator[Text]:
    estimate = judged.estimate
    rows = [(f"{title_of(judged)} {label}", _told(speed, estimate, asked)) for label, speed in _moments(estimate)]
    yield from columns(rows, width)


def _moments(estimate: Estimate) -> Iterator[tuple[str, Speed]]:
    if estimate.peak_speed is not None:
        yield "at peak", estimate.peak_speed
    if estimate.speed is not None and estimate.in_flight >= 1:  # below, it is idle most of the time: nothing to tell
        yield "on average", estimate.speed


def _told(speed: Speed, estimate: Estimate, asked: Workload) -> str:
    n = estimate.candidate.replicas
    load, rate = f"{count(round(speed.in_flight * n, 1))} in flight", _range(speed.output_tokens_per_s, n)
    if asked.pooled:
        return (
            f"{load}: {rate} {unit_of(asked)}, a {asked.made} takes {ms(speed.ttft_s.expected)} (p95 "
            f"{ms(speed.ttft_p95_s.expected)}); {speed.output_tokens_per_s.basis}"
        )
    return (
        f"{load}: {rate} output tokens/s, "
        f"first token {ms(speed.ttft_s.expected)} (p95 {ms(speed.ttft_p95_s.expected)}), per token "
        f"{ms(speed.tpot_s.low)} to {ms(speed.tpot_s.high)}; {speed.output_tokens_per_s.basis}"
    )


def _range(figure: Figure, replicas: int) -> str:
    low, high = count(figure.low * replicas), count(figure.high * replicas)
    return f"{count(figure.expected * replicas)} ({low} to {high})"


def _load_lines(answer: Answer) -> Iterator[str]:
    verdict, winner = answer.verdict, answer.verdict.winner
    if winner is not None:
        yield winner.estimate.derivation
    yield from _kinds(answer)
    yield from _answers(answer)
    if verdict.crossover_in_flight is not None:
        yield f"crossover: {verdict.crossover_in_flight:.1f} in flight, {verdict.crossover_reason}"
    else:
        yield f"no crossover: {verdict.crossover_reason}"
    if verdict.capacity_in_flight:
        people = "user" if verdict.capacity_users == 1 else "users"
        users = f", about {count(verdict.capacity_users)} {people}" if verdict.capacity_users else ""
        yield f"this plan's cards meet the targets up to {count(verdict.capacity_in_flight)} in flight{users}"


def _kinds(answer: Answer) -> Iterator[str]:
    """What a conversation that goes on waits, and what a new one does."""
    asked, winner = answer.workload, answer.verdict.winner
    speed = winner.estimate.peak_speed if winner else None
    if speed is None or asked.history_tokens <= asked.shared_prefix_tokens:
        return
    if speed.ttft_warm_s and speed.ttft_cold_s:
        kept = f"{speed.kept_share:.0%} of conversations are kept"
        meant = "second" if asked.ttft_kind == "cold" else "first"
        warm, cold = ms(speed.ttft_warm_s.expected), ms(speed.ttft_cold_s.expected)
        lying = f"{count(asked.history_tokens)} of {count(asked.input_tokens)} prompt tokens lie in the cache"
        yield (
            f"first token at peak: {warm} where a conversation goes on ({lying}, {kept}), {cold} where it is new; "
            f"the target means the {meant}"
        )


def _answers(answer: Answer) -> Iterator[str]:
    """When a person sees the answer begin where the model thinks first."""
    winner, plan = answer.verdict.winner, thinking(answer.workload, answer.model)
    if plan.tokens and winner and winner.estimate.peak_speed:
        seen = first_answer_s(winner.estimate.peak_speed, answer.workload, answer.model)
        yield f"first token of the answer at peak, after what is thought: {ms(seen.expected)} (p95)"


def _curve(points: tuple[CurvePoint, ...], unit: str, width: int) -> Iterator[Text]:
    """A row a load, so that it is as narrow as any screen."""
    if not points:
        return
    names = [name for name, rate in points[0].tokens_per_s.items() if rate is not None]
    titles = [title for name in names for title in (engine_limits(name).title, "defaults")]
    yield Text(f"{'in flight':>9}" + "".join(f"{title:>12}" for title in titles), style="dim")
    for point in points:
        rates = [rate for name in names for rate in (point.tokens_per_s[name], point.default_tokens_per_s[name])]
        yield Text(f"{point.in_flight:>9,}" + "".join(f"{_rate(rate):>12}" for rate in rates))
    yield from paragraph(
        f"total output {unit}: sized for each load, and with the engine's defaults", width, style="dim"
    )


def _rate(tokens_per_s: float | None) -> str:
    return "-" if tokens_per_s is None else f"{tokens_per_s:,.0f}"


def _memory(answer: Answer, screen: Screen) -> Iterator[Text]:
    if answer.verdict.winner is None:
        return
    estimate = answer.verdict.winner.estimate
    memory = estimate.memory
    yield from memory_bars(estimate, answer.hardware, screen.columns, unicode=screen.unicode)
    of_each = "of each copy: " if estimate.candidate.replicas > 1 else ""
    cache = f"{of_each}{count(memory.kv_tokens)} tokens of KV cache at {memory.kv_bytes_per_token / 1024:,.1f} KiB; "
    told = f"{cache if memory.kv_bytes_per_token else ''}budget {gib(memory.budget_bytes)} a card, basis {memory.basis}"
    yield from paragraph(told, screen.columns, style="dim")


def _settings(answer: Answer, width: int) -> Iterator[Text]:
    every = answer.plan.settings if answer.plan else ()
    rows = [(Text(each.name, style="cyan"), each.value or "", each.because) for each in every]
    yield from columns(rows, width, style="dim")


def _files(answer: Answer, written: Written, width: int) -> Iterator[Text]:
    if answer.plan is None:
        return
    said = f"written to {written.folder}" if written.folder else "nothing was written (--dry-run); it would be"
    yield from paragraph(f"{said}: {', '.join(written.files)}", width)
    told = steps(answer, written.files, written.folder, written.otherwise)
    yield from columns([("next", *step) for step in told], width)

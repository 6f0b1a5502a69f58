"""`recommend` on a terminal: verdict, why, what to expect, memory, settings, what was written. Safe at any width."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from advisor.catalog import engine_limits, sources, weights_format
from advisor.catalog.ranking import score_of
from advisor.engines.downloads import told
from advisor.models.thinking import first_answer_s, thinking
from advisor.pipeline import Answer
from advisor.report.memory_bar import memory_bar
from advisor.schema import Figure, Finding, Judged, Verdict
from advisor.search.option import columns
from advisor.units import count, ms

_STYLES = {"CRASH": "red", "OOM": "red", "SILENT": "red", "PERF": "yellow", "NOTE": "dim"}


def parts(answer: Answer, written: tuple[str, ...], folder: str | None) -> Iterator[RenderableType]:
    """The sections, in order, each with a blank line before it."""
    verdict = answer.verdict
    yield Text(verdict.summary, style="bold green" if verdict.meets_targets else "bold red")
    yield _model_line(answer)
    if answer.options:
        yield _section("The best models that meet the targets here", _options(answer))
    yield _section("Why", _why(answer))
    if verdict.nearest_yes:
        yield _section("What would make it a yes", _nearest(verdict))
    if verdict.winner:
        yield _section("What to expect", _expect(answer))
        yield _section("Memory on the fullest device", memory_bar(verdict.winner.estimate))
    if answer.plan:
        yield _section("Settings", _settings(answer))
        yield _section("Files", _files(written, folder, told(answer.plan)))


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), body)


def _model_line(answer: Answer) -> RenderableType:
    lines = [line for line in (answer.model_because or _score(answer), *answer.model_steps) if line]
    if answer.hardware.source == "simulated" or answer.hardware.nodes > 1:
        simulated = "simulated machine, " if answer.hardware.source == "simulated" else ""
        lines.append(f"{simulated}assumed: " + "; ".join(answer.hardware.assumed))
    lines.append(f"confidence: {answer.verdict.confidence}")
    lines += [f"note: {answer.facts.note}"] if answer.facts and answer.facts.note else []
    return Text("\n".join(lines), style="dim")


def _score(answer: Answer) -> str:
    """The public score of a model that was named, where there is one."""
    score = score_of(answer.model.hf_id, answer.workload.task)
    return f"{answer.model.hf_id}: {score} ({sources()[score.source].url})" if score else ""


def _options(answer: Answer) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("model", "public score", "as", "memory", "pace at peak"):
        table.add_column(name, overflow="fold")
    for option in answer.options:
        table.add_row(*columns(option))
    scored = (score_of(option.hf_id, option.task) for option in answer.options)
    origins = dict.fromkeys(sources()[score.source].url for score in scored if score)
    return Group(table, Text("scores: " + ", ".join(origins) if origins else "", style="dim"))


def _why(answer: Answer) -> RenderableType:
    table = _plain(4)
    for finding in answer.verdict.reasons:
        _row(table, finding)
    for judged in _one_loser_an_engine(answer.verdict):
        candidate = judged.estimate.candidate
        way = f"{engine_limits(candidate.engine).title}, {weights_format(candidate.weights_format).title}"
        table.add_row("", Text("lost", style="dim"), Text(f"{way}: {judged.why_lost}"))
    return table


def _row(table: Table, finding: Finding) -> None:
    style = _STYLES[finding.severity]
    table.add_row(Text(finding.rule, style=style), Text(finding.severity.lower(), style=style), Text(finding.message))


def _one_loser_an_engine(verdict: Verdict) -> list[Judged]:
    """The closest candidate of each losing engine; the rest stands in the JSON."""
    told: dict[str, Judged] = {}
    for judged in verdict.losers:
        told.setdefault(judged.estimate.candidate.engine, judged)
    return [judged for name, judged in told.items() if name != verdict.engine]


def _nearest(verdict: Verdict) -> RenderableType:
    table = _plain(2)
    for change in verdict.nearest_yes:
        price = f" (about ${change.usd_per_hour:.2f}/h rented)" if change.usd_per_hour else ""
        table.add_row(Text(change.change, style="bold"), Text(change.result + price))
    return table


def _expect(answer: Answer) -> RenderableType:
    verdict = answer.verdict
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "in flight", "output tokens/s", "first token", "p95", "per token", "basis"):
        table.add_column(name, overflow="fold")
    rivals = [verdict.winner, *_one_loser_an_engine(verdict)]
    for judged in rivals:
        if judged is None or judged.estimate.speed is None:
            continue
        for label, speed in ((" at peak", judged.estimate.peak_speed), (" on average", judged.estimate.speed)):
            if speed is None or (label == " on average" and judged.estimate.in_flight < 1):
                continue  # less than one in flight: idle most of the time, nothing to tell
            n = judged.estimate.candidate.replicas
            table.add_row(
                engine_limits(judged.estimate.candidate.engine).title + label,
                count(round(speed.in_flight * n, 1)),
                _range(speed.output_tokens_per_s, n),
                ms(speed.ttft_s.expected),
                ms(speed.ttft_p95_s.expected),
                f"{ms(speed.tpot_s.low)}-{ms(speed.tpot_s.high)}",
                speed.output_tokens_per_s.basis,
            )
    return Group(table, Text(_load_lines(answer)), _curve(verdict))


def _range(figure: Figure, replicas: int) -> str:
    return f"{count(figure.expected * replicas)} ({count(figure.low * replicas)}-{count(figure.high * replicas)})"


def _load_lines(answer: Answer) -> str:
    verdict, winner = answer.verdict, answer.verdict.winner
    lines = [winner.estimate.derivation if winner else "", *_kinds(answer), *_answers(answer)]
    if verdict.crossover_in_flight is not None:
        lines.append(f"crossover: {verdict.crossover_in_flight:.1f} in flight, {verdict.crossover_reason}")
    else:
        lines.append(f"no crossover: {verdict.crossover_reason}")
    if verdict.capacity_in_flight:
        people = "user" if verdict.capacity_users == 1 else "users"
        users = f", about {count(verdict.capacity_users)} {people}" if verdict.capacity_users else ""
        lines.append(f"this plan's cards meet the targets up to {count(verdict.capacity_in_flight)} in flight{users}")
    return "\n".join(lines)


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


def _curve(verdict: Verdict) -> RenderableType:
    if not verdict.curve:
        return Text("")
    table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
    table.add_column("total output tokens/s at")
    for point in verdict.curve:
        table.add_column(str(point.in_flight), justify="right")
    for name in verdict.curve[0].tokens_per_s:
        title = engine_limits(name).title
        table.add_row(f"{title}, sized for the load", *(_rate(p.tokens_per_s[name]) for p in verdict.curve))
        table.add_row(f"{title}, its defaults", *(_rate(p.default_tokens_per_s[name]) for p in verdict.curve))
    return table


def _rate(tokens_per_s: float | None) -> str:
    return "-" if tokens_per_s is None else f"{tokens_per_s:,.0f}"


def _settings(answer: Answer) -> RenderableType:
    table = _plain(3)
    for setting in answer.plan.settings if answer.plan else ():
        table.add_row(Text(setting.name, style="cyan"), Text(setting.value or ""), Text(setting.because, style="dim"))
    return table


def _files(written: tuple[str, ...], folder: str | None, download: str) -> RenderableType:
    download = f"\n{download}" if download else ""
    if folder is None:
        return Text(f"nothing was written (--dry-run); it would be: {', '.join(written)}{download}")
    where = shlex.quote(folder)
    ways = ["docker compose up --detach --wait"] if "compose.yaml" in written else []
    ways += ["./run.sh"] if "run.sh" in written else []
    return Text(
        f"written to {folder}: {', '.join(written)}\n"
        f"next, as {folder}/README.md says in full:\n  cd {where} && {'    or    '.join(ways)}{download}"
    )


def _plain(columns: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    for _ in range(columns - 1):
        table.add_column(overflow="fold", no_wrap=False)
    return table

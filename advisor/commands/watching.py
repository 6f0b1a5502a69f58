"""What `watch` does between its options and its view, and the view for a terminal."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from advisor.commands.foreseeing import foreseen
from advisor.commands.progress import patient
from advisor.errors import EXIT_NO, EXIT_YES, EnvironmentFailed
from advisor.units import ms
from advisor.watch.session import Bounds, View, reader_for, watch
from advisor.watch.target import Target, target_of

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text


def begun(
    given: str, options: Mapping[str, Any], seconds: float | None, every_s: float
) -> tuple[Target, Iterator[View]]:
    """The engine that is watched, and the looks at it as they come.

    Raises:
        BadInput: options that cannot be used.
        EnvironmentFailed: nobody answers.
    """
    with patient() as progress:
        progress("looking for the engine")
        target = target_of(given)
        reader = reader_for(target)
        progress("predicting where the engines cross")
        forecast, workload = foreseen(target, reader.read(time.time()), options)
    asked = {
        name: options[name] if options[name] is not None else getattr(workload, name, None)
        for name in ("ttft_ms", "tpot_ms")
    }
    bounds = Bounds(
        **{name.replace("_ms", "_s"): None if told is None else told / 1000 for name, told in asked.items()}
    )
    return target, watch(target, bounds, forecast, seconds=seconds, every_s=every_s, reader=reader)


def ended(view: View) -> int:
    """The exit code: no, where a target is broken or something was wrong.

    Raises:
        EnvironmentFailed: it stopped answering; what was seen until then was said.
    """
    if view.gone:
        raise EnvironmentFailed(f"it answers no more after {view.looks} looks in {view.watched_s:.0f} s: {view.gone}")
    return EXIT_NO if view.seen or any(each.reached for each in view.breaks) else EXIT_YES


class Shown:
    """The view while it is watched: drawn anew on a terminal, a line a look elsewhere, nothing where it is quiet."""

    def __init__(self, target: Target, *, quiet: bool) -> None:
        self._target, self._quiet = target, quiet
        self._live: Live | None = None
        self._last: View | None = None

    def __enter__(self) -> Shown:
        """Begin to draw."""
        if not self._quiet and sys.stdout.isatty():
            from rich.live import Live

            from advisor.report.styled import console

            self._live = Live(console=console(), auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave what was drawn last; where a line a look was written, the whole of it below them."""
        if self._live is not None:
            self._live.stop()
        elif self._last is not None:
            from advisor.report.screen import screen

            print(
                "\n" + "\n".join(each.plain for each in lines(self._last, self._target, screen().columns)), flush=True
            )

    def show(self, view: View) -> None:
        """One look."""
        if self._quiet:
            return
        if self._live is None:
            self._last = view
            print(line(view), flush=True)
            return
        from rich.console import Group

        from advisor.report.screen import screen

        self._live.update(Group(*lines(view, self._target, screen().columns)), refresh=True)


def line(view: View) -> str:
    """One look as one line."""
    step = view.step
    clock = datetime.datetime.fromtimestamp(step.at_s).strftime("%H:%M:%S")
    figures = "  ".join(f"{name} {told}" for name, told in _figures(view) if told)
    return f"{clock}  {figures or 'nothing is told of its load'}" + "".join(
        f"  ! {each.id}: {each.seen}" for each in view.causes
    )


def _figures(view: View) -> list[tuple[str, str]]:
    """What is told at a glance; empty where the engine does not tell."""
    step = view.step
    rates = (step.output_tokens_per_s, step.each_tokens_per_s)
    total, each = (f"{rate:.1f} tokens/s" if rate is not None else "" for rate in rates)
    slots = f" of {step.slots} slots" if step.slots else ""
    return [
        ("answered", "" if step.running is None else f"{step.running}{slots}"),
        ("waiting", "" if step.waiting is None else str(step.waiting)),
        ("all together", total),
        ("each person", each),
        ("first token (p95)", "" if step.ttft_p95_s is None else ms(step.ttft_p95_s)),
        ("token (p95)", "" if step.tpot_p95_s is None else ms(step.tpot_p95_s)),
        ("KV cache", "" if step.kv_used is None else f"{step.kv_used:.0%}"),
    ]


def lines(view: View, target: Target, width: int) -> Iterator[Text]:
    """The whole view."""
    from rich.text import Text

    from advisor.report.layout import columns, paragraph

    server = target.server
    yield Text(f"{server.engine} {server.version} at {server.base}, {view.watched_s:.0f} s", style="bold")
    rows = [*_figures(view), ("loaded", ", ".join(view.step.loaded)), *_ahead(view)]
    yield from columns([(name, told or "not told") for name, told in rows], width, indent=2)
    for each in view.causes:
        yield Text()
        yield from paragraph(f"{each.seen}: {each.cause}", width, style="yellow")
        yield from paragraph(f"{each.flag}: {each.do} ({each.source})", width, indent=2)
    for gap in view.gaps:
        yield from paragraph(gap, width, style="dim")


def _ahead(view: View) -> Iterator[tuple[str, str]]:
    """The crossover, and when bounds are met."""
    found = view.crossover
    ends = f"{found.least:.1f} to {'none' if found.most is None else f'{found.most:.1f}'}, " if found.least else ""
    at = "none" if found.in_flight is None else f"{found.in_flight:.1f} in flight ({ends}{found.basis})"
    yield (
        "crossover",
        f"{at}{', reached' if found.reached else ''}{f': {found.reason}' if found.in_flight is None else ''}",
    )
    for each in view.breaks:
        when = "reached" if each.reached else f"at this pace {each.date}" if each.date else "not at this pace"
        yield each.what, f"{each.now:.3g} of {each.bound:.3g}: {when}"

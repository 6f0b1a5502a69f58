"""An engine with continuous batching whose truth a test chooses, on a clock of its own: no second is waited for."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from advisor.benchmark.loads import SHAPES, Pace, ShapeStep
from advisor.engines import ENGINES
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.step import StepModel
from advisor.schema import Plan
from advisor.smoke.job import Job
from advisor.smoke.load import generator
from advisor.smoke.load.client import Answer, Server
from advisor.smoke.load.generator import Run
from advisor.smoke.load.prompts import Scale
from advisor.smoke.load.stats import LoadResult


class _Jumping(selectors.SelectSelector):
    """Moves the clock on where a real one would wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(0)


class OwnClock(asyncio.SelectorEventLoop):
    """A loop whose seconds pass at once."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds that were waited for."""
        return self._jumping.now


@dataclass
class _Request:
    prompt: int
    output: int
    done: asyncio.Future[None]
    arrivals: list[float] = field(default_factory=list)


class Scripted:
    """Steps as long as the truth says: each gives every running request a token, and reads the prompts that wait."""

    def __init__(self, step: StepModel, rule: Discipline) -> None:
        self._step, self._rule = step, rule
        self._waiting: list[_Request] = []
        self._running: list[_Request] = []
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, server: Server, prompt: str, output_tokens: int, **other: Any) -> Answer:
        """One request, as `client.ask` answers it."""
        loop = asyncio.get_running_loop()
        start, sent = other["origin"], loop.time()
        await asyncio.sleep(self._rule.request_s)
        request = _Request(len(prompt.split()), output_tokens, loop.create_future())
        self._waiting.append(request)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        await request.done
        arrivals = tuple(moment - start for moment in request.arrivals)
        return Answer(
            sent_s=sent - start, ended_s=arrivals[-1], ttft_s=arrivals[0] - (sent - start), arrivals_s=arrivals,
            input_tokens=request.prompt, output_tokens=request.output, finish="length",
        )  # fmt: skip

    async def _work(self) -> None:
        while self._waiting or self._running:
            room = int(self._rule.slots) - len(self._running)
            entering, self._waiting = self._waiting[:room], self._waiting[room:]
            await asyncio.sleep(self._seconds(entering))
            self._running += entering
            for request in self._running:
                request.arrivals.append(asyncio.get_running_loop().time())
                if len(request.arrivals) == request.output:
                    request.done.set_result(None)
            self._running = [request for request in self._running if not request.done.done()]

    def _seconds(self, entering: list[_Request]) -> float:
        running = self._running
        if not running:
            first, *others = entering
            return self._step.first_token_s(first.prompt) + sum(self._step.prefill_s(each.prompt) for each in others)
        context = sum(request.prompt + len(request.arrivals) for request in running) / len(running)
        reading = sum(self._step.prefill_s(request.prompt) for request in entering)
        return self._step.decode_s(len(running), context) + reading


Drive = Callable[[Callable[[Job], Any]], Any]


def _at_once(plan: Plan, engine: Scripted, monkeypatch: pytest.MonkeyPatch, work: Callable[[Job], Any]) -> Any:
    """Carry `work` out against the engine, on its clock."""
    server = Server(base_url="http://127.0.0.1:1", model="scripted", exact_length=True)
    runner: Any = SimpleNamespace(cpu_seconds=lambda: None)
    job = Job(plan=plan, folder=SimpleNamespace(), runner=runner, observer=ENGINES[plan.engine].observer())  # type: ignore[arg-type]
    job.server, job.scale = server, Scale(fixed=0, per_word=1)
    monkeypatch.setattr(generator, "ask", engine.ask)
    with asyncio.Runner(loop_factory=OwnClock) as loop:
        monkeypatch.setattr(generator, "time", SimpleNamespace(perf_counter=loop.get_loop().time))
        return loop.run(work(job))


def benchmarked(plan: Plan, engine: Scripted, monkeypatch: pytest.MonkeyPatch) -> tuple[LoadResult, ...]:
    """What the loads of the short benchmark give."""
    pace = Pace(ttft_s=0.1, tpot_s=0.02)

    async def all_of_them(job: Job) -> None:
        for shape in SHAPES:
            await ShapeStep(shape, 1e6, pace)(job)

    async def work(job: Job) -> tuple[LoadResult, ...]:
        await all_of_them(job)
        return tuple(job.loads)

    found: tuple[LoadResult, ...] = _at_once(plan, engine, monkeypatch, work)
    return found


def driven(plan: Plan, engine: Scripted, monkeypatch: pytest.MonkeyPatch, run: Run) -> LoadResult:
    """What one load gives."""

    async def work(job: Job) -> LoadResult:
        return await generator.drive(job.ready, run, Scale(fixed=0, per_word=1))

    found: LoadResult = _at_once(plan, engine, monkeypatch, work)
    return found

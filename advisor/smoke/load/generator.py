"""The load generator: a fixed number in flight (closed loop), or arrivals at a rate (open loop, Poisson)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

from advisor.errors import BadInput, EnvironmentFailed
from advisor.schema import value
from advisor.smoke.load.client import Answer, Server, ask
from advisor.smoke.load.prompts import Prompts, Scale, salad, scale_from
from advisor.smoke.load.stats import LoadResult, Targets, summarise

MOST_REQUESTS = 20_000  # of one run: a smoke test, not an attack
Sender = Callable[[int], Coroutine[Any, Any, Answer]]


@value
class Run:
    """What one run asks of the server, and where it stops."""

    requests: int
    input_tokens: int
    output_tokens: int
    in_flight: int | None = None  # closed loop
    request_rate: float | None = None  # open loop, per second
    shared_prefix_tokens: int = 0
    history_tokens: int = 0  # of each prompt, read once before the run: what the last turn of a conversation leaves
    seed: str = "advisor"
    seconds: float = 300.0  # no request is sent after so long
    timeout_s: float = 600.0  # of one request
    targets: Targets = Targets()


async def calibrate(server: Server, seed: str = "advisor", timeout_s: float = 300.0) -> Scale:
    """Learn from two short requests how this server counts words as tokens.

    Raises:
        EnvironmentFailed: the server did not answer, or does not report usage.
    """
    counted: list[tuple[int, int]] = []
    for words in (24, 96):
        answer = await ask(server, salad(words, f"{seed}/scale/{words}"), 1, timeout_s=timeout_s)
        if answer.error is not None:
            raise EnvironmentFailed(f"{server.url(server.path)}: {answer.detail}")
        if not answer.input_tokens:
            url = server.url(server.path)
            raise EnvironmentFailed(f"{url} reports no usage, so prompts cannot be measured")
        counted.append((words, answer.input_tokens))
    return scale_from(counted[0], counted[1])


async def drive(
    server: Server, run: Run, scale: Scale, on_done: Callable[[Answer], None] = lambda _: None
) -> LoadResult:
    """Carry one run out.

    Raises:
        BadInput: neither or both of `in_flight` and `request_rate`, or more requests than a run may send.
    """
    if (run.in_flight is None) == (run.request_rate is None):
        raise BadInput("a load is either so many requests in flight or so many a second")
    if not 1 <= run.requests <= MOST_REQUESTS:
        raise BadInput(f"{run.requests} requests: a run sends 1 to {MOST_REQUESTS}")
    prompts = Prompts(run.seed, run.input_tokens, scale, run.shared_prefix_tokens)
    if run.history_tokens:
        await _read_before(server, run, prompts)
    origin = time.perf_counter()

    async def one(number: int) -> Answer:
        answer = await ask(server, prompts.of(number), run.output_tokens, origin=origin, timeout_s=run.timeout_s)
        on_done(answer)
        return answer

    if run.in_flight is not None:
        answers = await _closed(one, run, origin)
    else:
        answers = await _open(one, run, origin)
    return summarise(
        answers,
        mode="open" if run.in_flight is None else "closed",
        in_flight=run.in_flight,
        request_rate=run.request_rate,
        history_tokens=run.history_tokens,
        targets=run.targets,
    )


async def _read_before(server: Server, run: Run, prompts: Prompts) -> None:
    """Send what is history in each prompt; what goes wrong here shows in the run itself."""

    async def one(number: int) -> Answer:
        earlier = prompts.beginning(number, run.history_tokens)
        return await ask(server, earlier, 1, timeout_s=run.timeout_s)

    await _closed(one, run, time.perf_counter())


async def _closed(one: Sender, run: Run, origin: float) -> list[Answer]:
    """Each of `in_flight` clients sends its next request when the last is answered."""
    numbers = iter(range(run.requests))
    answers: list[Answer] = []

    async def client() -> None:
        for number in numbers:
            if time.perf_counter() - origin > run.seconds:
                return
            answers.append(await one(number))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(run.in_flight or 1, run.requests)):
            group.create_task(client())
    return answers


async def _open(one: Sender, run: Run, origin: float) -> list[Answer]:
    """Requests arrive whether or not others are answered; the seed fixes the moments."""
    chance = random.Random(f"{run.seed}/arrivals")  # noqa: S311 - not for secrets
    due = 0.0
    tasks: list[asyncio.Task[Answer]] = []
    async with asyncio.TaskGroup() as group:
        for number in range(run.requests):
            await asyncio.sleep(max(0.0, origin + due - time.perf_counter()))
            if time.perf_counter() - origin > run.seconds:
                break
            tasks.append(group.create_task(one(number)))
            due += chance.expovariate(run.request_rate or 1.0)
    return [task.result() for task in tasks]

"""Which loads a short benchmark runs, and how long: each tells one kind of time from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from advisor.benchmark.planned import CONTEXT_TOKENS
from advisor.smoke.job import Failed, Job
from advisor.smoke.load.client import ask
from advisor.smoke.load.generator import Run, calibrate
from advisor.smoke.load.prompts import salad
from advisor.smoke.load.stats import LoadResult
from advisor.smoke.steps.loading import driven, told
from advisor.units import ms

SHORTEST, LONGEST = 16, 96  # answers, in tokens
ROUNDS = 3  # requests of each client
LEAST_REQUESTS = 4  # what a measurement needs


class Shape(NamedTuple):
    """One load: its part of the time, and what it is there to tell."""

    name: str
    in_flight: int
    input_tokens: int
    share: float  # of the budget
    writes: bool = True  # else as few tokens as tell a first from a second


SHAPES = (
    Shape("single stream", 1, 48, 0.2),  # reading the weights
    Shape("deep stream", 1, 384, 0.15),  # and the KV cache
    Shape("two at once", 2, 48, 0.2),  # the host's part, and that of each sequence
    Shape("four at once", 4, 48, 0.25),  # products of a batch
    Shape("long prompt", 1, CONTEXT_TOKENS // 2, 0.2, writes=False),  # products of a prompt
)


@dataclass
class Pace:
    """How fast the engine was in its first answer, so that the others end in time."""

    ttft_s: float = 0.0
    tpot_s: float = 0.0

    async def learn(self, job: Job) -> str:
        """Count how words become tokens, and time one warm answer: the first one of all still loads the model."""
        job.scale = await calibrate(job.ready, job.options.seed)
        answer = await ask(job.ready, salad(SHAPES[0].input_tokens, f"{job.options.seed}/warm"), SHORTEST)
        if answer.error is not None or answer.ttft_s is None:
            raise Failed(f"no answer came: {answer.detail}")
        self.ttft_s, self.tpot_s = answer.ttft_s, answer.tpot_s or answer.ttft_s
        return f"first token after {ms(self.ttft_s)}, then one every {ms(self.tpot_s)}"


@dataclass(frozen=True)
class ShapeStep:
    """A shape as a step of the run."""

    shape: Shape
    budget_s: float
    pace: Pace

    async def __call__(self, job: Job) -> str:
        """Run it; what failed is no measurement, and the next one is run all the same."""
        result = await self.run(job)
        job.loads.append(result)
        if result.errors or not result.completed:
            raise Failed(f"{sum(result.errors.values())} of {result.requests} requests failed: {result.first_error}")
        return told(result)

    async def run(self, job: Job) -> LoadResult:
        """The closed loop, within its part of the time."""
        shape = self.shape
        requests = max(ROUNDS * shape.in_flight, LEAST_REQUESTS)
        run = Run(
            in_flight=shape.in_flight,
            requests=requests,
            input_tokens=shape.input_tokens,
            output_tokens=self.output_tokens(requests),
            seed=f"{job.options.seed}/{shape.name}/{id(job)}",
            seconds=shape.share * self.budget_s,
        )
        return await driven(job, run)

    def output_tokens(self, requests: int) -> int:
        """As many as the time allows where requests share the engine evenly: slow machines write short answers."""
        if not self.shape.writes:
            return SHORTEST
        each_s = self.shape.share * self.budget_s / requests
        return round(min(max((each_s - self.pace.ttft_s) / self.pace.tpot_s, SHORTEST), LONGEST))

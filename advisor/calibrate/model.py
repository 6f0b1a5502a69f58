"""The speed model with one set of constants, for measurements: what a fit and its judges ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from advisor.calibrate.points import Point
from advisor.engines.llamacpp.speed import BENCH, Server, llama_server
from advisor.engines.llamacpp.speed import step_of as llamacpp_step
from advisor.engines.ollama.speed import server as ollama_server
from advisor.engines.ready import Ready, benchmark_rule
from advisor.engines.vllm.speed import step_of as vllm_step
from advisor.physics.speed.serving import Steady
from advisor.physics.speed.speculation import Speculation
from advisor.physics.speed.step import StepModel
from advisor.predict.run import per_replica, rule_for, run
from advisor.predict.speculation import with_speculation


class Predicted(NamedTuple):
    """What the model says about a point, over all replicas."""

    rate: float
    ttft_s: float
    tpot_s: float
    gap_s: float
    load: float
    steady: Steady


class Model:
    """The speed model with one set of constants; steps are built once per configuration."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values
        self._steps: dict[int, tuple[StepModel, StepModel]] = {}

    def __call__(self, point: Point, drafted: Speculation | None = None) -> Predicted:
        """Predict one point, with that speculation."""
        ready = self._with_constants(point.ready)
        if drafted is not None:
            ready = with_speculation(ready, drafted, self.values)
        asked = per_replica(ready, point.asked)
        steady = run(ready, rule_for(ready, asked), asked)
        rate = steady.output_tokens_per_s * ready.replicas
        load = max(steady.batch + steady.queued, 1.0)
        return Predicted(rate, steady.ttft_s, steady.tpot_s, steady.gap_s, load, steady)

    def _around(self, ready: Ready) -> Server:
        """What the server adds to the kernels; vLLM's is in its own constants."""
        if ready.prepared.fit == "vllm":
            return BENCH
        return ollama_server(self.values) if ready.engine == "ollama" else llama_server(self.values)

    def _with_constants(self, ready: Ready) -> Ready:
        around = self._around(ready)
        if id(ready) not in self._steps:
            if ready.prepared.fit == "vllm":
                step = bench = vllm_step(ready.prepared, self.values)
            else:
                step = llamacpp_step(ready.prepared, self.values, around)
                alone = around if ready.engine == "ollama" else BENCH
                bench = llamacpp_step(ready.prepared, self.values, alone)
            self._steps[id(ready)] = step, bench
        step, bench = self._steps[id(ready)]
        slots, chunk, old = ready.rule.slots, ready.rule.chunk_tokens, ready.prepared.age
        rule = benchmark_rule(self.values, slots, chunk, own_request_s=around.request_s, age=old)
        return ready._replace(step=step, bench=bench, rule=rule)

"""Where the engines really met: both measured at the same loads on one machine, tokens/s of all together.

The rows on processors were measured for this project on 2026-11-22 and 23 (tests/benchmarks/results-2core-*.md):
SmolLM2-135M, 128 tokens in and 64 out, an Ollama with one, four, sixteen slots or a slot for each. The others are of
other hands: Chimeraforge, Technical Report 130 of 2026-02-26 (github.com/Sahil170595/Chimeraforge; lengths are not told,
128 in and out are assumed); github.com/LottoLottoLotto/4x3090-llm-benchmarks of 2026-06-28 (llama-server's slots are not
told, and the card was held to 220 W); "gemma-4-E4B on RTX 3090 Ti: vLLM and Ollama" of 2026-08-26 and "quant-bench" of
2026, both found as public files without their repository; a table for a RTX 4090 whose origin nobody tells.

How a watch carries what it sees over to the other engine was chosen after seeing the rows on cards and of the Xeon; those
of the EPYC and of the AVX2 machine were looked at only after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from advisor.commands.foreseeing import predicted
from advisor.measured.correction import Measurements
from advisor.measured.ratios import at
from advisor.models.names import find_model
from advisor.pipeline import find_hardware
from advisor.probe.simulate import simulate
from advisor.schema import Hardware, Question, value
from advisor.watch.crossover import Forecast
from advisor.workload import load_workload

Rates = Mapping[int, float]
SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"
XEON, EPYC, AVX2 = ("avx2", "avx512"), ("avx2", "avx512", "avx512_bf16"), ("avx2",)


@value
class Pair:
    """Two engines measured beside each other."""

    machine: str | tuple[str, ...]  # a card, or what two cores of a processor can
    model: str
    form: str
    ollama: Rates
    vllm: Rates
    slots: int | None = None  # None: not told, or one for each
    input_tokens: int = 128
    output_tokens: int = 128

    @property
    def met(self) -> float:
        """The load from which vLLM wrote more, between the measured ones as they lie."""
        own, other = (tuple((float(load), rate) for load, rate in each.items()) for each in (self.ollama, self.vllm))
        return next(load / 100 for load in range(100, 12800) if at(other, load / 100) >= at(own, load / 100))

    def forecast(self) -> Forecast:
        """What is predicted for a watch of that Ollama."""
        asked = {
            "model": self.model,
            "concurrency": 1,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        workload = replace(load_workload(None, asked), quantization=self.form)
        question = Question(
            model=find_model(self.model, offline=True), workload=workload, hardware=self._hardware(),
            measurements=Measurements(),
        )  # fmt: skip
        return predicted(question, Forecast(engine="ollama", other="vllm"), self.slots)

    def _hardware(self) -> Hardware:
        if isinstance(self.machine, str):
            return simulate(self.machine)
        found = find_hardware(None, Path(__file__).parent.parent / "hardware" / "cpu-2-cores.json")
        cpu = replace(found.cpu, instruction_sets=self.machine)
        if self.machine == EPYC:  # of another kind than the recorded one: its rates are not known
            cpu = replace(cpu, bandwidth_bytes_per_s=None, dense_flops={})
        return replace(found, cpu=cpu)


def here(machine: tuple[str, ...], slots: int | None, ollama: tuple[float, ...], vllm: tuple[float, ...]) -> Pair:
    """A row that was measured for this project, at 1, 4 and 16 in flight."""
    one, other = (dict(zip((1, 4, 16), rates, strict=True)) for rates in (ollama, vllm))
    return Pair(machine=machine, model=SMOL, form="q4_1", ollama=one, vllm=other, slots=slots, output_tokens=64)


PAIRS = {
    "xeon-1": here(XEON, 1, (58, 68, 65), (30, 89, 219)),
    "xeon-4": here(XEON, 4, (59, 95, 90), (30, 89, 219)),
    "xeon-16": here(XEON, 16, (35, 93, 109), (30, 89, 219)),
    "epyc-1": here(EPYC, 1, (86, 92, 103), (72, 191, 308)),
    "epyc-4": here(EPYC, 4, (88, 115, 121), (72, 191, 308)),
    "epyc-16": here(EPYC, 16, (93, 123, 146), (72, 191, 308)),
    "avx2-each": here(AVX2, None, (46.5, 55.7, 63.2), (19.3, 57.5, 108.0)),
    "avx2-1": here(AVX2, 1, (49.0, 51.1, 50.7), (19.3, 57.5, 108.0)),
    "llama-1b": Pair(
        machine="RTX 4080 Laptop", model="meta-llama/Llama-3.2-1B-Instruct", form="q4_0",
        ollama={1: 175.3, 2: 280.4, 4: 259.1, 8: 247.8}, vllm={1: 149.1, 2: 247.3, 4: 373.3, 8: 559.2}),
    "qwen-1.5b": Pair(
        machine="RTX 4080 Laptop", model="Qwen/Qwen2.5-1.5B-Instruct", form="q4_0",
        ollama={1: 196.1, 2: 301.2, 4: 274.5, 8: 259.4}, vllm={1: 104.7, 2: 177.6, 4: 291.0, 8: 456.7}),
    "llama-3b": Pair(
        machine="RTX 4080 Laptop", model="meta-llama/Llama-3.2-3B-Instruct", form="q4_0",
        ollama={1: 130.2, 2: 176.2, 4: 166.5, 8: 162.0}, vllm={1: 60.7, 2: 109.2, 4: 189.7, 8: 318.6}),
    "gemma-e4b": Pair(
        machine="RTX 3090 Ti", model="google/gemma-4-E4B-it", form="q4_k_m", slots=16, output_tokens=950,
        ollama={1: 113.0, 2: 157.8, 4: 189.0, 8: 251.3}, vllm={1: 93.6, 2: 174.2, 4: 343.2, 8: 661.8}),
    "gemma-12b": Pair(
        machine="RTX 3090", model="google/gemma-4-12b-it", form="q4_k_m", input_tokens=512, output_tokens=256,
        ollama={1: 46.9, 4: 96.7, 16: 127.0, 32: 128.0}, vllm={1: 53.0, 4: 206.4, 16: 590.8, 32: 879.7}),
    "qwen-4b": Pair(
        machine="RTX 5070 Laptop", model="Qwen/Qwen3-4B-Instruct-2507", form="q4_k_m", slots=32, input_tokens=64,
        ollama={1: 115.8, 4: 320.6, 16: 887.9, 32: 1189.3}, vllm={1: 72.6, 4: 276.6, 16: 1010.6, 32: 1887.5}),
    "qwen-7b": Pair(
        machine="RTX 4090", model="Qwen/Qwen2.5-7B-Instruct", form="q4_k_m", slots=1,
        ollama={1: 62.0, 4: 60.0, 16: 55.0, 64: 41.0}, vllm={1: 58.0, 4: 210.0, 16: 780.0, 64: 950.0}),
}  # fmt: skip

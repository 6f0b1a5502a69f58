"""Predictions for many given configurations: one row in, one row out, and no row stops the others.

The contract of the columns is INTERFACE.md, `predict`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from advisor.errors import BadInput
from advisor.physics.serving import Discipline, Steady, all_at_once, closed_loop, open_loop, single_stream
from advisor.physics.speed_facts import held_bytes
from advisor.physics.speed_figures import Spread, band_of, spread_of
from advisor.predict_config import Ready, Unsupported, Words, ready_for

CONFIG_COLUMNS = (
    "engine", "engine_version", "gpu", "gpu_count", "tp", "pp", "model", "quantization", "kv_dtype", "slots",
)  # fmt: skip
LOAD_COLUMNS = ("mode", "concurrency", "request_rate", "input_tokens", "output_tokens", "num_prompts")
COLUMNS = ("id", *CONFIG_COLUMNS, *LOAD_COLUMNS)
NEEDED = ("engine", "gpu", "model")
MODES = ("serving", "offline", "single_stream")
OUTPUT_COLUMNS = (
    "id", "supported", "reason", "output_tok_s", "output_tok_s_low", "output_tok_s_high", "ttft_ms", "tpot_ms",
    "kv_tokens", "basis",
)  # fmt: skip
USUAL_INPUT_TOKENS = 128.0  # where a row does not say
USUAL_OUTPUT_TOKENS = 256.0
REMEMBERED = 100_000  # answers kept for rows that ask the same again


class Prediction(NamedTuple):
    """One answer; numbers are None where the row is not supported."""

    id: str
    supported: bool
    reason: str
    output_tok_s: float | None = None
    output_tok_s_low: float | None = None
    output_tok_s_high: float | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    kv_tokens: int | None = None
    basis: str = ""


class LoadWords(NamedTuple):
    """The load of a row, as written."""

    mode: str
    concurrency: str
    request_rate: str
    input_tokens: str
    output_tokens: str
    num_prompts: str


class Asked(NamedTuple):
    """The load of a row, for one replica; None where the row does not say."""

    mode: str
    concurrency: float | None
    request_rate: float | None
    input_tokens: float
    output_tokens: float
    prompts: float | None
    cached_tokens: float = 0.0


def predict(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Prediction]:
    """Answer every row, in order.

    Args:
        header: names of the columns; unknown ones are ignored, missing ones count as empty.
        rows: the cells, as text.

    Raises:
        BadInput: a column that no prediction can do without is missing.
    """
    pick = picker(header)
    configured: dict[Words, Ready | str] = {}
    answered: dict[tuple[int, LoadWords], Prediction] = {}
    for row in rows:
        name, words, load_words = pick(row)
        try:
            asked = read_load(load_words)
        except Unsupported as reason:
            yield Prediction(name, False, str(reason))
            continue
        key = words._replace(context_tokens=context_bucket(asked), alone=asked.mode == "single_stream")
        found = configured.get(key)
        if found is None:
            found = configured[key] = _ready(key)
        if isinstance(found, str):
            yield Prediction(name, False, found)
            continue
        again = (id(found), load_words)
        answer = answered.get(again)
        if answer is None:
            if len(answered) >= REMEMBERED:
                answered.clear()
            answer = answered[again] = _answer(found, asked)
        yield Prediction(name, *answer[1:])


def picker(header: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, Words, LoadWords]]:
    """A function that takes id, configuration and load out of a row.

    Raises:
        BadInput: a needed column is missing.
    """
    places = {name.strip().lower(): place for place, name in enumerate(header)}
    missing = [name for name in NEEDED if name not in places]
    if missing:
        raise BadInput(
            f"requests: the header lacks {', '.join(missing)}; it has {', '.join(header) or 'nothing'}; "
            f"accepted are {', '.join(COLUMNS)}"
        )
    width = len(header)
    config = itemgetter(*(places.get(name, width) for name in CONFIG_COLUMNS))
    load = itemgetter(*(places.get(name, width) for name in LOAD_COLUMNS))
    name = places.get("id", width)

    def pick(row: Sequence[str]) -> tuple[str, Words, LoadWords]:
        cells = [*row, *[""] * (width + 1 - len(row))]  # short rows are filled; a missing column is the empty last cell
        cells[width] = ""
        return cells[name], Words(*config(cells), 0, False), LoadWords(*load(cells))

    return pick


def read_load(words: LoadWords) -> Asked:
    """The numbers of a load.

    Raises:
        Unsupported: a cell that is not a number, or a mode that is not known.
    """
    mode = words.mode.strip().lower() or "serving"
    if mode not in MODES:
        raise Unsupported(f"mode {words.mode!r} is not one of {', '.join(MODES)}")
    prompt = _number(words.input_tokens, "input_tokens", zero=True)
    answer = _number(words.output_tokens, "output_tokens")
    return Asked(
        mode,
        _number(words.concurrency, "concurrency"),
        _number(words.request_rate, "request_rate"),
        USUAL_INPUT_TOKENS if prompt is None else prompt,
        answer or USUAL_OUTPUT_TOKENS,
        _number(words.num_prompts, "num_prompts"),
        # A prompt without an answer's length asks for the decode rate at that depth: the prompt is there already.
        prompt if prompt and answer is None and mode == "serving" else 0.0,
    )


def _number(text: str, column: str, *, zero: bool = False) -> float | None:
    """A positive number or "inf"; None where the cell is empty."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise Unsupported(f"{column} {text!r} is not a number") from None
    if math.isnan(number) or number < 0 or (number == 0 and not zero):
        raise Unsupported(f"{column} {text!r} must be positive")
    return number


def context_bucket(asked: Asked) -> int:
    """The context a server would be started with: the next power of two above prompt and answer."""
    return max(2048, 1 << math.ceil(math.log2(asked.input_tokens + asked.output_tokens)))


def _ready(words: Words) -> Ready | str:
    try:
        return ready_for(words)
    except Unsupported as reason:
        return str(reason)


def _answer(ready: Ready, asked: Asked) -> Prediction:
    """One prediction of a supported row."""
    share = per_replica(ready, asked)
    steady = run(ready, rule_for(ready, share), share)
    rate = steady.output_tokens_per_s * ready.replicas
    spread = _spread(ready, band_of(steady.batch, steady.queued))
    return Prediction(
        id="",
        supported=True,
        reason=ready.note,
        output_tok_s=rate,
        output_tok_s_low=rate / spread.rate,
        output_tok_s_high=rate * spread.rate,
        ttft_ms=steady.ttft_s * 1e3,
        tpot_ms=steady.tpot_s * 1e3,
        kv_tokens=ready.kv_tokens,
        basis=spread.basis,
    )


def per_replica(ready: Ready, asked: Asked) -> Asked:
    """The part of the load that one replica gets."""
    if ready.replicas == 1:
        return asked
    return asked._replace(
        concurrency=None if asked.concurrency is None else asked.concurrency / ready.replicas,
        request_rate=None if asked.request_rate is None else asked.request_rate / ready.replicas,
        prompts=None if asked.prompts is None else max(asked.prompts / ready.replicas, 1.0),
    )


def _spread(ready: Ready, band: str) -> Spread:
    return spread_of(ready.family, ready.prepared.device, ready.prepared.kernel, band)


def rule_for(ready: Ready, asked: Asked) -> Discipline:
    """The engine's limits under this load: KV for requests of this length."""
    if math.isinf(ready.kv_bytes):
        return ready.rule
    mean = max(asked.input_tokens - asked.cached_tokens + asked.output_tokens / 2, 1.0)
    return ready.rule._replace(sequences=max(ready.kv_bytes / held_bytes(ready.prepared.facts, mean), 1.0))


def run(ready: Ready, rule: Discipline, asked: Asked) -> Steady:
    """Choose the kind of run."""
    step, prompt, answer = ready.step, asked.input_tokens, asked.output_tokens
    if asked.mode == "single_stream":
        alone = single_stream(step, rule, prompt, answer)
        if ready.family == "vllm":  # its benchmarks divide by the whole time, llama.cpp's by that of decoding
            return alone._replace(output_tokens_per_s=alone.requests_per_s * answer)
        return alone
    if asked.mode == "offline":
        return _offline(ready, rule, asked)
    cached = asked.cached_tokens
    if asked.request_rate is not None and not math.isinf(asked.request_rate):
        if asked.concurrency is not None:
            rule = rule._replace(slots=min(rule.slots, asked.concurrency))
        return open_loop(step, rule, asked.request_rate, prompt, answer, cached, asked.prompts or math.inf)
    if asked.concurrency is None and asked.prompts is not None:
        return all_at_once(step, rule, asked.prompts, prompt, answer, cached)
    return closed_loop(step, rule, asked.concurrency or 1.0, prompt, answer, cached)


def _offline(ready: Ready, rule: Discipline, asked: Asked) -> Steady:
    """All prompts handed over; llama.cpp's batched bench prints the decode phase alone."""
    step, prompt, answer = ready.step, asked.input_tokens, asked.output_tokens
    batch = asked.concurrency or asked.prompts or 1.0
    if ready.family == "vllm":
        if asked.concurrency and asked.prompts:
            rule = rule._replace(slots=min(rule.slots, asked.concurrency))
        return all_at_once(step, rule, asked.prompts or batch, prompt, answer)
    rule = rule._replace(slots=batch, sequences=batch)
    found = all_at_once(step, rule, batch, prompt, answer)
    decode_s = step.decode_s(batch, prompt + answer / 2)
    return found._replace(output_tokens_per_s=batch / decode_s, tpot_s=decode_s)


"""The rows of `advisor predict`: columns picked out, loads read, defaults filled in."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

from advisor.edge.terminal import shown
from advisor.engines.ready import Unsupported
from advisor.errors import BadInput
from advisor.physics.speed.inside import EQUAL
from advisor.physics.speed.lengths import LENGTHS, longest_of

CONFIG_COLUMNS = (
    "engine", "engine_version", "gpu", "gpu_count", "tp", "pp", "model", "quantization", "kv_dtype", "slots",
    "power_limit_watts", "speculation", "cpu",
)  # fmt: skip
LOAD_COLUMNS = (
    "mode", "concurrency", "request_rate", "input_tokens", "output_tokens", "num_prompts", "output_cap", "lengths",
    "prefix_cached",
)  # fmt: skip
COLUMNS = ("id", *CONFIG_COLUMNS, *LOAD_COLUMNS)
NEEDED = ("engine", "gpu", "model")
MODES = ("serving", "offline", "single_stream")
USUAL_INPUT_TOKENS = 128.0  # where a row does not say
USUAL_OUTPUT_TOKENS = 256.0
SHARES = {"": 0.0, "unknown": 0.0, "n": 0.0, "no": 0.0, "y": 1.0, "yes": 1.0}  # of a prompt in the prefix cache
LEAST, MOST = 1e-6, 1e9  # of any number in a row


class Asked(NamedTuple):
    """The load of a row, for one replica; None where the row does not say."""

    mode: str
    concurrency: float | None
    request_rate: float | None
    input_tokens: float
    output_tokens: float  # 0: the prompt alone is computed
    prompts: float | None
    cached_tokens: float = 0.0
    longest: float = EQUAL  # answer, in means; beyond 1 they are of unequal length


Cells = tuple[str, ...]


def picker(header: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, Cells, Cells]]:
    """A function that takes id, configuration (CONFIG_COLUMNS) and load (LOAD_COLUMNS) out of a row.

    Raises:
        BadInput: a needed column is missing.
    """
    places = {name.strip().lower(): place for place, name in enumerate(header)}
    missing = [name for name in NEEDED if name not in places]
    if missing:
        has = shown(", ".join(header)) if header else "nothing"
        raise BadInput(
            f"requests: the header lacks {', '.join(missing)}; it has {has}; accepted are {', '.join(COLUMNS)}"
        )
    width = len(header)
    config: Callable[[Sequence[str]], Cells] = itemgetter(*(places.get(name, width) for name in CONFIG_COLUMNS))
    load: Callable[[Sequence[str]], Cells] = itemgetter(*(places.get(name, width) for name in LOAD_COLUMNS))
    name = places.get("id", width)
    whole = all(column in places for column in COLUMNS)

    def pick(row: Sequence[str]) -> tuple[str, Cells, Cells]:
        if not whole or len(row) < width:
            # Short rows are filled; a missing column is the empty cell behind the last.
            row = [*row[:width], *[""] * (width + 1 - len(row[:width]))]
        return row[name], config(row), load(row)

    return pick


def read_load(words: Cells) -> Asked:
    """The numbers of a load, whose cells are those of LOAD_COLUMNS.

    Raises:
        Unsupported: a cell that is not a number, or a mode that is not known.
    """
    stated, concurrency, request_rate, input_tokens, output_tokens, num_prompts, output_cap, lengths, cached = words
    mode = stated if stated in MODES else stated.strip().lower() or "serving"
    if mode not in MODES:
        raise Unsupported(f"mode {shown(stated)} is not one of {', '.join(MODES)}")
    prompt = _number(input_tokens, "input_tokens", zero=True)
    answer = _number(output_tokens, "output_tokens", zero=True)
    cap = _number(output_cap, "output_cap") if output_cap else None
    if answer and cap:
        cap = max(answer, cap)  # a tokenizer that counts otherwise may find a mean above the limit
    entered = USUAL_INPUT_TOKENS if prompt is None else prompt
    written = (cap or USUAL_OUTPUT_TOKENS) if answer is None else answer
    return Asked(
        mode,
        _number(concurrency, "concurrency"),
        _number(request_rate, "request_rate", endless=True),
        entered,
        written,
        _number(num_prompts, "num_prompts"),
        # A prompt without an answer's length asks for the decode rate at that depth: the prompt is there already.
        prompt if prompt and answer is None and not cap and mode == "serving" else _share(cached) * entered,
        longest_of(_distribution(lengths), written, cap) if lengths and written else EQUAL,
    )


@functools.lru_cache(maxsize=256)
def _distribution(text: str) -> str | float:
    """How answers spread about their mean, by name or as shortest over longest; who says nothing has them alike."""
    name = text.strip().lower() or "fixed"
    if name in LENGTHS:
        return name
    return _from_0_to_1(name, f"lengths {shown(text)} is neither {', '.join(LENGTHS)} nor a share from 0 to 1")


@functools.lru_cache(maxsize=256)
def _share(text: str) -> float:
    """The part of the prompt that lies in the prefix cache, as a share or as yes and no; 0 where nobody knows."""
    word = text.strip().lower()
    if word in SHARES:
        return SHARES[word]
    return _from_0_to_1(word, f"prefix_cached {shown(text)} is not a share from 0 to 1, y, n or unknown")


def _from_0_to_1(word: str, refusal: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise Unsupported(refusal)
    return share


@functools.lru_cache(maxsize=16384)
def _number(text: str, column: str, zero: bool = False, endless: bool = False) -> float | None:
    """A positive number, "inf" where `endless`; None where the cell is empty. The same few numbers fill most rows."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise Unsupported(f"{column} {shown(text)} is not a number") from None
    if math.isinf(number) and not endless:
        raise Unsupported(f"{column} {shown(text)} must be finite")
    if math.isnan(number) or number < 0 or (number == 0 and not zero):
        raise Unsupported(f"{column} {shown(text)} must be positive")
    if number and not LEAST <= number <= MOST and not math.isinf(number):
        raise Unsupported(f"{column} {shown(text)} must be from {LEAST:g} to {MOST:g}")
    return number


def context_bucket(asked: Asked) -> int:
    """The context a server would be started with: the next power of two above prompt and answer."""
    return 1 << math.ceil(math.log2(max(asked.input_tokens + asked.output_tokens, 2048.0)))

"""The rows of `advisor predict`: columns picked out, loads read, defaults filled in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

from advisor.errors import BadInput
from advisor.predict.config import Unsupported, Words

CONFIG_COLUMNS = (
    "engine", "engine_version", "gpu", "gpu_count", "tp", "pp", "model", "quantization", "kv_dtype", "slots",
)  # fmt: skip
LOAD_COLUMNS = ("mode", "concurrency", "request_rate", "input_tokens", "output_tokens", "num_prompts")
COLUMNS = ("id", *CONFIG_COLUMNS, *LOAD_COLUMNS)
NEEDED = ("engine", "gpu", "model")
MODES = ("serving", "offline", "single_stream")
USUAL_INPUT_TOKENS = 128.0  # where a row does not say
USUAL_OUTPUT_TOKENS = 256.0


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
        return cells[name], Words._make((*config(cells), 0, False)), LoadWords(*load(cells))

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

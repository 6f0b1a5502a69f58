"""`advisor predict`: predictions for many given configurations."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from advisor.predict import Prediction

_EVERY_S = 2.0  # between two lines of progress
_BATCH = 4096


@click.command("predict")
@click.option("--requests", required=True, metavar="FILE", help='CSV with a header line; "-" reads standard input.')
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the CSV here, not to the terminal.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(requests: str, out: Path | None, as_json: bool) -> int:
    """Predict output rate, TTFT and TPOT for every row of a CSV file.

    \b
    Columns (empty = the engine's default; only engine, gpu and model are needed):
      id, engine (ollama|llama.cpp|vllm), engine_version, gpu, gpu_count, tp, pp, model, quantization, kv_dtype,
      mode (serving|offline|single_stream), concurrency, request_rate, input_tokens, output_tokens, slots, num_prompts,
      power_limit_watts (of each card, where its owner set one)

    \b
    Answers:
      id, supported, reason, output_tok_s, output_tok_s_low, output_tok_s_high, ttft_ms, tpot_ms, kv_tokens, basis
    About 80 % of measurements are expected between low and high. A row that cannot be predicted has supported
    "false" and a reason; the others go on.

    \b
    What output_tok_s means: serving and offline, all answers over the whole time; single_stream, the decode rate for
    llama.cpp and Ollama and answer over whole time for vLLM, as their benchmarks print it; offline with llama.cpp,
    the decode phase of a batch. request_rate "inf" or empty with num_prompts and no concurrency: all at once. Means of
    input_tokens and output_tokens that nobody chose (217.3, 196.4) are those of a data set, whose answers differ in
    length: such a run has a thin end.

    \b
    Examples:
      advisor predict --requests rows.csv
      advisor predict --requests rows.csv --out pred.csv
      advisor predict --requests - --json < rows.csv

    \b
    Exit codes: 0 answered (see each row), 2 the file cannot be read or lacks a column, 3 cannot write.
    """
    from advisor.errors import BadInput

    if as_json and out:
        raise BadInput("--json writes to standard output and --out writes CSV: give one of them")
    if requests == "-":
        _answer(sys.stdin, "standard input", out, as_json)
        return 0
    try:
        with Path(requests).open(newline="", encoding="utf-8-sig") as file:
            _answer(file, requests, out, as_json)
    except OSError as error:
        raise BadInput(f"{requests}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{requests}: is not text in UTF-8") from None
    return 0


def _answer(file: TextIO, name: str, out: Path | None, as_json: bool) -> None:
    """Predict everything in an open file."""
    from advisor.errors import BadInput
    from advisor.predict import predict

    reader = csv.reader(file)
    header = next(reader, None)
    if header is None:
        raise BadInput(f"{name}: is empty; it needs a header line")
    answers = _watched(predict(header, (row for row in reader if row)))
    if as_json:
        _write_json(answers)
    elif out is None:
        _write_csv(answers, sys.stdout)
    else:
        _write_file(answers, out)


def _write_file(answers: Iterable[Prediction], out: Path) -> None:
    from advisor.errors import EnvironmentFailed

    try:
        with out.open("w", newline="", encoding="utf-8") as file:
            _write_csv(answers, file)
    except OSError as error:
        raise EnvironmentFailed(f"{out}: cannot be written ({error.strerror})") from None


def _watched(answers: Iterable[Prediction]) -> Iterator[Prediction]:
    """Say on standard error how far a long run is."""
    started = shown = time.monotonic()
    for count, answer in enumerate(answers, 1):
        yield answer
        if count % _BATCH == 0 and (now := time.monotonic()) - shown > _EVERY_S:
            shown = now
            print(f"advisor: {count:,} rows, {count / (now - started):,.0f} a second", file=sys.stderr, flush=True)


def _write_csv(answers: Iterable[Prediction], file: TextIO) -> None:
    from advisor.predict import OUTPUT_COLUMNS

    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(OUTPUT_COLUMNS)
    writer.writerows(map(_cells, answers))


def _cells(answer: Prediction) -> Sequence[object]:
    """One line of the CSV: four digits that matter."""
    if not answer.supported:
        return (answer.id, "false", answer.reason, "", "", "", "", "", "", "")
    return (
        answer.id, "true", answer.reason, f"{answer.output_tok_s:.5g}", f"{answer.output_tok_s_low:.5g}",
        f"{answer.output_tok_s_high:.5g}", f"{answer.ttft_ms:.5g}", f"{answer.tpot_ms:.5g}", answer.kv_tokens,
        answer.basis,
    )  # fmt: skip


def _write_json(answers: Iterable[Prediction]) -> None:
    document: dict[str, Any] = {"schema_version": 1, "predictions": [answer._asdict() for answer in answers]}
    click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))

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

from advisor.commands.completing import Place

if TYPE_CHECKING:
    from advisor.predict import Prediction

_EVERY_S = 2.0  # between two lines of progress
_BATCH = 4096


@click.command("predict")
@click.option("--requests", required=True, metavar="FILE", help='CSV with a header line; "-" reads standard input.')
@click.option("--out", type=Place(path_type=Path, dir_okay=False), help="Write the CSV here, not to the terminal.")
@click.option("--force", is_flag=True, help="Let --out replace a file that is no answer of `advisor predict`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, nothing else.")
def command(requests: str, out: Path | None, force: bool, as_json: bool) -> int:
    """Predict output rate, TTFT and TPOT for every row of a CSV file.

    \b
    Columns (empty = the engine's default; only engine, gpu and model are needed):
      id, engine (ollama|llama.cpp|vllm), engine_version, gpu, gpu_count, tp, pp, model, quantization, kv_dtype,
      mode (serving|offline|single_stream), concurrency, request_rate, input_tokens, output_tokens, slots, num_prompts,
      power_limit_watts (of each card, where its owner set one), cpu (the processor, as "EPYC 9654"),
      output_cap (the limit of one answer), lengths (fixed|uniform|exponential|sharegpt: how answers spread,
      or the shortest as a share of the longest), prefix_cached (share of the prompt, or y|n),
      speculation (mtp|eagle|dflash|ngram[:DRAFTED[:KEPT]])

    \b
    Answers:
      id, supported, reason, output_tok_s, output_tok_s_low, output_tok_s_high, ttft_ms, tpot_ms, kv_tokens, basis,
      ttft_ms_low, ttft_ms_high, ttft_ms_p95, tpot_ms_low, tpot_ms_high
    About 80 % of measurements are expected between low and high. A row that cannot be predicted has supported
    "false" and a reason; the others go on.

    \b
    What output_tok_s means: serving and offline, all answers over the whole time; single_stream, the decode rate for
    llama.cpp and Ollama and answer over whole time for vLLM, as their benchmarks print it; offline with llama.cpp,
    the decode phase of a batch. request_rate "inf" or empty with num_prompts and no concurrency: all at once;
    offline with neither: a batch at saturation. Answers are of one length unless `lengths` says otherwise.

    \b
    What ttft_ms means: the mean wait. Like requests whose num_prompts is not stated come together, as in a run of one
    prompt for each client; where it is stated only the first ones do. output_tokens 0 asks for the prompt alone: there
    is no rate then, nor tpot_ms.

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
    from advisor.edge.filekinds import ROWS, expected
    from advisor.edge.reading import decoded, not_itself, opened_text

    if requests == "-":
        if sys.stdin is None:
            raise BadInput("standard input: is closed")
        with decoded(sys.stdin.buffer, "standard input", odd="replace") as file:
            _answer(file, "standard input", out, force, as_json)
        return 0
    if out is not None:
        not_itself(Path(requests), out, "--out")
    path = Path(requests)
    with expected(ROWS, path), opened_text(path, odd="replace") as file:  # an odd row does not end the others
        _answer(file, requests, out, force, as_json)
    return 0


def _answer(file: TextIO, name: str, out: Path | None, force: bool, as_json: bool) -> None:
    """Predict everything in an open file."""
    from advisor.edge.reading import OddRow, csv_rows
    from advisor.edge.terminal import styled
    from advisor.errors import BadInput
    from advisor.predict import predict

    rows = csv_rows(file)
    header = next(rows, None)
    if header is None:
        raise BadInput(f"{name}: is empty; it needs a header line")
    if isinstance(header, OddRow):
        raise BadInput(f"{name}: {header.reason}")
    answers = _watched(predict(header, rows))
    if as_json:
        _write_json(answers)
    elif out is None:
        # A program that reads gets every name as it was handed in; a person gets it visible.
        _write_csv(answers, sys.stdout if sys.stdout.isatty() else styled(sys.stdout))
    else:
        _write_file(answers, out, force)


def _write_file(answers: Iterable[Prediction], out: Path, force: bool) -> None:
    from advisor.folder.write import replacing
    from advisor.predict import OUTPUT_COLUMNS

    with replacing(out, overwrite=force, own=",".join(OUTPUT_COLUMNS) + "\n") as file:
        _write_csv(answers, file)


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
    """One line of the CSV: five digits that matter, nothing where there is no figure."""
    name, supported, *rest = answer
    return (name, "true" if supported else "false", *map(_cell, rest))


def _cell(value: object) -> object:
    return f"{value:.5g}" if isinstance(value, float) else "" if value is None else value


def _write_json(answers: Iterable[Prediction]) -> None:
    document: dict[str, Any] = {"schema_version": 1, "predictions": [answer._asdict() for answer in answers]}
    click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))

"""How many rows of `advisor predict` one core answers in a minute: distinct loads, and loads that repeat.

    python -m tests.benchmarks.predict_speed [--rows 100000]

Prints rows a minute of processor time, with the CSV read and written. Aim: 1,000,000.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import time
from collections.abc import Iterator

from advisor.commands.predict import _answer
from advisor.predict.rows import COLUMNS

CARDS = ("RTX 4090 24GB", "H100 SXM 80GB", "RTX 3090 24GB", "A100 80GB")
MODELS = (("Qwen/Qwen2.5-7B-Instruct", "bf16"), ("meta-llama/Llama-3.1-8B-Instruct", "fp8"), ("Qwen/Qwen3-14B", "awq"))


def rows(count: int, kinds: int) -> Iterator[list[str]]:
    """Closed loops over a dozen configurations; `kinds` different loads of each."""
    for index in range(count):
        kind = index % kinds
        model, fmt = MODELS[index % len(MODELS)]
        load = (str(1 + kind % 251), "", str(16 + kind * 7 % 4001), str(16 + kind * 13 % 1009), "")
        card = CARDS[index % len(CARDS)]
        yield [str(index), "vllm", "", card, "1", "", "", model, fmt, "", "", "", "serving", *load]


def measure(count: int, kinds: int) -> float:
    """Rows a minute of processor time; every one of them is answered, for a refusal takes no time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(count, kinds))
    text.seek(0)
    answers, started = io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(answers):
        _answer(text, "rows", None, force=False, as_json=False)
    spent = time.process_time() - started
    answered = answers.getvalue().count(",true,")
    if answered != count:
        raise SystemExit(f"only {answered:,} of {count:,} rows were answered: they do not fit the columns")
    return count / spent * 60


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    for name, kinds in (("distinct", count), ("each a hundred times", count // 100)):
        print(f"{name}: {measure(count, kinds):,.0f} rows a minute")


if __name__ == "__main__":
    main()

"""Loads on servers that already run, in random order: what `sweep.py` calls for the measurement itself.

    python -m tests.benchmarks.loads JOBS.json OUT.jsonl

Each job is one server at one level; each result is a line of OUT. Stops in time, so that a limit on quiet machines
does not cut a run.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from advisor.smoke.load.client import Server
from advisor.smoke.load.generator import Run, calibrate, drive
from advisor.smoke.load.prompts import Scale
from tests.benchmarks.points import INPUT_TOKENS, OUTPUT_TOKENS

# Every point of a batch gets the same prompts, and gives answers of the same lengths.
SAME = {"temperature": 0, "seed": 1}
LEAST_REQUESTS, WAVES, ENOUGH_REQUESTS = 6, 3, 32


def requests_at(level: int) -> int:
    """Three waves, fewer where that is many: the noise of a run falls with its tokens, not with its waves."""
    return max(LEAST_REQUESTS, min(WAVES * level, max(level, ENOUGH_REQUESTS)))


async def run(jobs: list[dict[str, Any]], out: Path, until: float, batch: int) -> None:
    """Every job once, in random order, as long as there is time. `batch` tells what was measured at about one time."""
    random.shuffle(jobs)
    scales: dict[str, Scale] = {}
    for job in jobs:
        server = Server(
            base_url=f"http://127.0.0.1:{job['port']}", model=job["model"], exact_length=job["exact"], extra=SAME
        )
        expected = requests_at(job["level"]) * OUTPUT_TOKENS / job["guess"]
        if time.monotonic() + expected > until:
            continue
        if server.base_url not in scales:
            scales[server.base_url] = await calibrate(server, f"sweep/{time.time()}")
        asked = Run(
            requests=requests_at(job["level"]), in_flight=job["level"], input_tokens=INPUT_TOKENS,
            output_tokens=OUTPUT_TOKENS, seed=f"sweep/{batch}/{job['level']}",
        )  # fmt: skip
        found = await drive(server, asked, scales[server.base_url])
        row = {
            "point": job["point"], "level": job["level"], "batch": batch, "rate": round(found.output_tokens_per_s, 2),
            "ttft_s": round(found.ttft_s.mean, 4) if found.ttft_s else None,
            "tpot_s": round(found.tpot_s.mean, 5) if found.tpot_s else None,
            "errors": dict(found.errors), "at": round(time.time()),
        }  # fmt: skip
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{job['level']:>3} in flight: {row['rate']:>6} tokens/s  {job['told']}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(run(given["jobs"], Path(sys.argv[2]), time.monotonic() + given["seconds"], given["batch"]))

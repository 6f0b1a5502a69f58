"""Read the measurements, fit, validate, write."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from advisor.calibrate import inputs, origins, report, unseen, write
from advisor.calibrate.fit import cost, fit
from advisor.calibrate.kernels import measured
from advisor.calibrate.points import Point, points
from advisor.calibrate.rows import Row, read
from advisor.calibrate.validate import Error, leave_one_out
from advisor.catalog import DATA, constants

ENGINES = ("vllm", "llamacpp")
DEFAULT_DATA = Path(__file__).parents[3] / "shared" / "data"


def main() -> None:
    """Write speed.yaml, speed_fit.yaml and sources.d/speed.yaml of the catalogue, and VALIDATION.md."""
    options = _options()
    measurements = options.data / "benchmarks.csv"
    rows = read(measurements)
    usable = [row for row in rows if row.usable and row.output_tok_s]
    fitting = to_fit(rows)
    judging = [point for point in points(usable, as_run=False)[0] if _inside_memory(point)]
    held = measured(options.data)
    values: dict[str, dict[str, float]] = {}
    errors: list[Error] = []
    origin: dict[str, str | float] = {**inputs.hashes(options.data)}
    for engine in ENGINES:
        mine = [point for point in fitting if point.engine == engine]
        values[engine] = fit(engine, mine, held if engine == "vllm" else [])
        origin[f"{engine}_left"] = cost(engine, mine, write.rounded(values[engine]))
        _say(f"{engine}: {len(values[engine])} constants from {len(mine)} measurements")
        outside = [point for point in judging if point.engine == engine]
        errors += leave_one_out(engine, mine, outside, held if engine == "vllm" else [], options.processes)
        _say(f"{engine}: {len(outside)} measurements predicted without their source")
    (DATA / "speed.yaml").write_text(write.document(values, fitting, errors, origin), encoding="utf-8")
    (DATA / "speed_fit.yaml").write_text(write.fit_document(fitting, errors), encoding="utf-8")
    (DATA / "sources.d" / "speed.yaml").write_text(origins.document(measurements), encoding="utf-8")
    if options.errors:
        options.errors.write_text(json.dumps([error._asdict() for error in errors]), encoding="utf-8")
    constants.cache_clear()  # the report predicts with what was just written
    refused = points(rows)[1]
    text = report.document(rows, refused, errors, values, unseen.section(options.data, rows))
    (Path(__file__).parent / "VALIDATION.md").write_text(text, encoding="utf-8")


def to_fit(rows: Sequence[Row]) -> list[Point]:
    """The measurements that the constants are fitted to."""
    usable = [row for row in rows if row.usable and row.output_tok_s]
    return [point for point in points(usable)[0] if _inside_memory(point)]


def _inside_memory(point: Point) -> bool:
    """Nothing runs on the CPU, beside a card or alone, and the model fits."""
    known = point.ready.prepared
    return known.offload_bytes == 0 and known.device.family != "cpu" and not point.ready.note


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with benchmarks.csv")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--errors", type=Path, help="write every left-out error here, as JSON")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"calibrate: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

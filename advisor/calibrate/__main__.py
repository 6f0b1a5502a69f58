"""Read the measurements, fit, validate, write."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from advisor.calibrate import inputs, origins, published, report, stale, unseen, write
from advisor.calibrate.fit import fit
from advisor.calibrate.kernels import measured
from advisor.calibrate.points import inside_memory, points, to_fit
from advisor.calibrate.rows import read
from advisor.calibrate.validate import Error, leave_one_out
from advisor.catalog import DATA, constants

NEEDED = (*inputs.MEASUREMENTS, unseen.SILICON, unseen.ARGONNE)


def main() -> None:
    """Write speed.yaml, speed_fit.yaml and sources.d/speed.yaml of the catalogue, and VALIDATION.md."""
    options = _options()
    if options.check:
        raise SystemExit("\n".join(stale.differences(options.data)) or None)
    measurements = options.data / inputs.BENCHMARKS
    rows = read(measurements)
    usable = [row for row in rows if row.usable and row.output_tok_s]
    fitting = to_fit(rows)
    judging = [point for point in points(usable, as_run=False)[0] if inside_memory(point)]
    held = measured(options.data)
    values: dict[str, dict[str, float]] = {}
    errors: list[Error] = []
    shown = to_fit(read(published.extract(options.data)))
    origin: dict[str, str | float] = {**inputs.hashes(options.data), "published": published.digest()}
    for engine in stale.ENGINES:
        mine = [point for point in fitting if point.engine == engine]
        values[engine] = fit(engine, mine, held if engine == "vllm" else [])
        origin |= stale.left(engine, fitting, shown, write.rounded(values[engine]))
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="FOLDER", type=Path, help=f"with {', '.join(NEEDED)}")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the constants are stale")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--errors", type=Path, help="write every left-out error here, as JSON")
    options = parser.parse_args()
    missing = [name for name in NEEDED if not (options.data / name).is_file()]
    if missing:
        parser.error(f"{options.data} lacks {', '.join(missing)}")
    return options


def _say(text: str) -> None:
    print(f"calibrate: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

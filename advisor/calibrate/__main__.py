"""Read the measurements, fit, validate, write."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from advisor.calibrate import inputs, names, origins, published, report, stale, trust, unseen, write
from advisor.calibrate.accepted import chances
from advisor.calibrate.fit import fit
from advisor.calibrate.kept import is_kept, sources
from advisor.calibrate.kernels import measured
from advisor.calibrate.parameters import IN_STEP
from advisor.calibrate.points import points, to_fit, to_judge
from advisor.calibrate.rows import PROMPTS, as_judged, read_all
from advisor.calibrate.validate import Error, leave_one_out, leave_out
from advisor.catalog import DATA, constants

NEEDED = (*inputs.MEASUREMENTS, unseen.SILICON, unseen.ARGONNE)


def main() -> None:
    """Write speed.yaml, speed_fit.yaml and sources.d/speed.yaml of the catalogue, and VALIDATION.md."""
    options = _options()
    if options.check:
        raise SystemExit("\n".join(stale.differences(options.data)) or None)
    rows = read_all(options.data)
    fitting, held = to_fit(rows), measured(options.data)
    judging = to_judge(as_judged(rows))
    kept = {group for group in sources(options.data / names.MORE) if is_kept(group)}
    shown = to_fit(read_all(published.extract(options.data)))
    origin: dict[str, str | float] = {**inputs.hashes(options.data), "published": published.digest()}
    values: dict[str, dict[str, float]] = {}
    errors: list[Error] = []
    untouched: list[Error] = []
    for engine in stale.ENGINES:
        mine = [point for point in fitting if point.engine == engine]
        tables = held if engine == "vllm" else []
        values[engine] = fit(engine, mine, tables)
        values[engine] |= IN_STEP
        values[engine] |= chances(engine, rows, values[engine])
        origin |= stale.left(engine, fitting, shown, write.rounded(values[engine]))
        _say(f"{engine}: {len(values[engine])} constants from {len(mine)} measurements")
        outside = [point for point in judging if point.engine == engine]
        errors += leave_one_out(engine, mine, outside, tables, options.processes)
        untouched += leave_out(engine, mine, outside, tables, kept)
        _say(f"{engine}: {len(outside)} measurements predicted without their source")
    (DATA / "speed.yaml").write_text(write.document(values, fitting, errors, origin), encoding="utf-8")
    (DATA / "speed_fit.yaml").write_text(write.fit_document(fitting, errors), encoding="utf-8")
    (DATA / "trust.yaml").write_text(trust.document(errors), encoding="utf-8")
    texts = origins.document(*(options.data / name for name in (names.BENCHMARKS, names.MORE)))
    (DATA / "sources.d" / "speed.yaml").write_text(texts, encoding="utf-8")
    if options.errors:
        told = {"left_out": errors, "kept": untouched}
        lists = {name: [error._asdict() for error in found] for name, found in told.items()}
        options.errors.write_text(json.dumps(lists), encoding="utf-8")
    constants.cache_clear()  # the report predicts with what was just written
    refused = points([row for row in rows if row.measurement not in PROMPTS])[1]
    seen = unseen.section(options.data, rows)
    text = report.document(as_judged(rows), refused, errors, untouched, values, seen)
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

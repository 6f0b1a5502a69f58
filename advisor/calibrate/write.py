"""`catalog/data/speed.yaml`: the constants, what they rest on, and the width of the ranges."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from advisor.calibrate.points import Point
from advisor.calibrate.validate import Error
from advisor.calibrate.widths import FIGURES, table, thin

PINNED = {"vllm": 2026.84, "llamacpp": 2026.65}  # release of the pinned versions, in years
HEAD = """\
# Written by `python -m advisor.calibrate`. Do not edit: change the program or the data.
#
# vllm, llamacpp: fitted constants; NAME.FACTOR multiplies NAME for a card family or a kernel (physics/speed/rates.py).
# ranges: factor between expected and each end, from errors on sources that were left out, by engine and kind of device
#   at 1, 4, 16, 64 and 256 requests in flight (physics/speed/figures.py); thin: where no like card or kernel was
#   measured. evidence: measurements behind each family and kernel, so behind its factors; `all` those
#   behind every other constant. speed_fit.yaml beside this file says which sources, and with what residuals.
# from: hashes of the measurements, of their published part and of the parameters that were fitted, and the sums of the
#   squares that were left, of all and of the published part. A test computes those of the published part again
#   (tests/physics/test_calibration.py), `python -m advisor.calibrate FOLDER --check` all of them.
"""
FIT_HEAD = """\
# Written by `python -m advisor.calibrate`, beside speed.yaml. Not read at run time.
#
# sources: by family and kernel, the sources behind its factors (keys speed-... of sources.d/speed.yaml).
# residuals: errors on left-out sources, as logarithms of predicted over measured (medians, signed and absolute).
"""


def document(
    values: Mapping[str, Mapping[str, float]], points: Sequence[Point], errors: Sequence[Error],
    origin: Mapping[str, str | float],
) -> str:  # fmt: skip
    """The text of speed.yaml."""
    lines = [HEAD.rstrip("\n"), f"pinned: {_flow(PINNED)}", "from:"]
    lines += [f"  {name}: {_scalar(told)}" for name, told in origin.items()]
    for engine, constants in values.items():
        lines.append(f"{engine}:")
        lines += [f"  {name}: {number(value)}" for name, value in constants.items() if _matters(name, value)]
    lines += ["ranges:", *_ranges(errors), "evidence:"]
    lines += [f"  {engine}: {_evidence([p for p in points if p.engine == engine])}" for engine in values]
    return "\n".join(lines) + "\n"


def fit_document(points: Sequence[Point], errors: Sequence[Error]) -> str:
    """The text of speed_fit.yaml."""
    lines = [FIT_HEAD.rstrip("\n"), "sources:"]
    for engine in PINNED:
        lines.append(f"  {engine}:")
        lines += _sources([p for p in points if p.engine == engine])
    return "\n".join([*lines, "residuals:", *_residuals(errors)]) + "\n"


def number(value: float) -> str:
    """Four digits, in a form that PyYAML reads as a number."""
    text = f"{value:.4g}"
    mantissa, mark, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + mark + exponent


def _matters(name: str, value: float) -> bool:
    """Factors that stayed at 1 are left out."""
    return "." not in name or abs(math.log(value)) > 0.005 or name.startswith(("link", "all_reduce"))


def _ranges(errors: Sequence[Error]) -> list[str]:
    lines = []
    for engine in PINNED:
        lines.append(f"  {engine}:")
        for kind, figures in table(errors, engine).items():
            cells = (f"{name}: [{', '.join(_plain(width) for width in found)}]" for name, found in figures.items())
            lines.append(f'    "{kind}": {{{", ".join(cells)}}}')
    return [*lines, f"  thin: {number(thin(errors))}"]


def _evidence(points: Sequence[Point]) -> str:
    counts: Counter[str] = Counter(all=len(points))
    for point in points:
        counts[point.ready.prepared.device.family] += 1
        counts[point.ready.prepared.kernel] += 1
    return "{" + ", ".join(f'"{name}": {count}' for name, count in sorted(counts.items())) + "}"


def _sources(points: Sequence[Point]) -> list[str]:
    groups: dict[str, set[str]] = defaultdict(set)
    for point in points:
        for subject in (point.ready.prepared.device.family, point.ready.prepared.kernel):
            groups[subject].add(point.row.group)
    return [f'    "{name}": [{", ".join(sorted(found))}]' for name, found in sorted(groups.items())]


def _residuals(errors: Sequence[Error]) -> list[str]:
    lines = []
    for key in sorted({(error.engine, error.measurement) for error in errors}):
        mine = [error for error in errors if (error.engine, error.measurement) == key]
        for figure in FIGURES:
            found = [value for error in mine if (value := getattr(error, figure)) is not None]
            if found:
                signed, absolute = median(found), median(map(abs, found))
                told = {"points": len(found), "signed": round(signed, 3), "absolute": round(absolute, 3)}
                lines.append(f"  {key[0]} {key[1]} {figure}: {_flow(told)}")
    return lines


def _flow(mapping: Mapping[str, float]) -> str:
    return (
        "{"
        + ", ".join(f"{name}: {value if isinstance(value, int) else _plain(value)}" for name, value in mapping.items())
        + "}"
    )


def _scalar(told: str | float) -> str:
    return number(told) if isinstance(told, float) else f'"{told}"'


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """The constants as the file holds them."""
    return {name: float(number(value)) for name, value in values.items() if _matters(name, value)}


def _plain(value: float) -> str:
    return f"{value:.2f}" if abs(value) > 1000 else f"{value:.3f}"

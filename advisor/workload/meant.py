"""The number that was meant by `fifty`, `1k`, `1,000`, or by `2s` where milliseconds are asked for."""

from __future__ import annotations

import re

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: number for number, word in enumerate(_SMALL)} | {w: 10 * n for n, w in enumerate(_TENS, 2)}
_SHARES = {"half": 0.5, "a half": 0.5, "third": 1 / 3, "a third": 1 / 3, "quarter": 0.25, "a quarter": 0.25}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_LETTERS = str.maketrans("oOlI", "0011")  # taken for digits
_SUFFIXES = {"k": 1e3, "m": 1e6}
_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}
_PER_UNIT = {"milliseconds": 0.001, "seconds": 1.0}  # what is asked for
_WRITTEN = re.compile(r"([+-]?[\d.]+(?:e\d{1,2}(?![\da-z]))?)\s*([a-z%]*).*")


def meant(text: str, unit: str = "") -> str | None:
    """Digits for what was written; None where nothing tells.

    Args:
        text: what was refused as a number.
        unit: of the number that is asked for; a time in another one is converted.
    """
    low = " ".join(text.strip().lower().split())
    spoken = _spoken(re.split(r"[\s-]+", low))
    if spoken is not None:
        return f"{spoken}"
    if low in _SHARES:
        return _digits(_SHARES[low])
    plain = re.sub(r"(?<=\d)[,_ '](?=\d{3}\b)", "", low)
    if re.fullmatch(r"[\doOlI]*\d[\doOlI]*", text.strip()):
        plain = text.strip().translate(_LETTERS)
    found = _WRITTEN.fullmatch(plain)
    if found is None or found[1].count(".") > 1 or not re.search(r"\d", found[1].partition("e")[0]):
        return None
    return _digits(float(found[1]) * _factor(found[2], unit))


def _factor(suffix: str, unit: str) -> float:
    if unit in _PER_UNIT and suffix in _SECONDS:
        return _SECONDS[suffix] / _PER_UNIT[unit]
    return _SUFFIXES.get(suffix, 1.0)


def _spoken(words: list[str]) -> int | None:
    """A number in English words."""
    total = part = 0
    known = [word for word in words if word != "and"]
    if not known or any(word not in _WORDS and word not in _SCALES for word in known):
        return None
    for word in known:
        if word == "hundred":
            part = max(part, 1) * 100
        elif word in _SCALES:
            total, part = total + max(part, 1) * _SCALES[word], 0
        else:
            part += _WORDS[word]
    return total + part


def _digits(number: float) -> str:
    return f"{number:.0f}" if number == round(number) else f"{round(number, 3):g}"

"""Kinds of field in what is read back: which characters, how many, which numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

# Control characters, line and paragraph separators, what turns the direction of writing, halves of surrogate pairs.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Words:
    """Text of these characters, at most `longest` of them."""

    accepted: str  # for a person
    pattern: re.Pattern[str]
    longest: int
    lines: bool = False  # whether it may hold line breaks

    def refuses(self, found: object) -> bool:
        """Whether it is none of this kind."""
        if not isinstance(found, str) or len(found) > self.longest:
            return True
        seen = found.replace("\n", "") if self.lines else found
        return UNSEEN.search(seen) is not None or self.pattern.fullmatch(found) is None


@dataclass(frozen=True)
class Numbers:
    """A finite number from `least` to `most`."""

    least: float
    most: float

    @property
    def accepted(self) -> str:
        """For a person."""
        return f"a number from {self.least:g} to {self.most:g}"

    def refuses(self, found: object) -> bool:
        """Whether it is none of this kind; true and false are no numbers."""
        return not isinstance(found, int | float) or not math.isfinite(found) or not self.least <= found <= self.most


def words(accepted: str, pattern: str, longest: int, *, lines: bool = False) -> Words:
    """A kind of text; the message names what is accepted and the limit."""
    return Words(f"{accepted}, at most {longest} characters", re.compile(pattern, re.DOTALL), longest, lines)


TEXT = words("text without control characters", r".*", 1100)
LONG = words("text without control characters", r".*", 4000)
LABEL = words("a name without control characters", r".*", 200)
LOCATION = words("a name or path that does not begin with a dash", r"[^-].*", 1024)
KEY = words("letters, digits and ._-", r"[A-Za-z0-9._-]*", 80)
ID = words("lower-case letters, digits and dashes", r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", 40)
SLUG = words("lower-case letters, digits and ._-", r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", 80)
HOST = words("the name of a host", r"[A-Za-z0-9][A-Za-z0-9.-]*", 253)
VERSION = words("a version", r"\d+(\.\d+){1,3}([-.+]?[a-z0-9]+)?", 40)
FOUND_VERSION = words("a version", r"[A-Za-z0-9][A-Za-z0-9 .,:+~()_/-]*", 80)
OWN_VERSION = words("a version, or nothing", r"(\d+(\.\d+)+([-.+]?[a-z0-9]+)*)?", 40)
IMAGE = words(
    "a reference of an image: repository:tag",
    r"([a-z0-9]+([.-][a-z0-9]+)*(:\d{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r":[A-Za-z0-9_][A-Za-z0-9_.-]*(@sha256:[0-9a-f]{64})?",
    250,
)
REPOSITORY = words("owner/name of the Hub", r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*", 200)
REVISION = words("a commit, tag or branch, or nothing", r"([A-Za-z0-9][A-Za-z0-9._/+-]*)?", 200)
REVISIONS = words("a revision, or REPOSITORY=REVISION", r"[A-Za-z0-9][A-Za-z0-9._/+=, -]*", 1000)
TAG = words("a model and its tag", r"[A-Za-z0-9][A-Za-z0-9._/-]*(:[A-Za-z0-9._-]+)?", 200)
ADDRESS = words("an IP address", r"[0-9A-Fa-f.:]+", 45)
PLACE = words("a number such as 1, or 0:1 of a slice", r"\d{1,4}(:\d{1,4})?", 9)
CAPABILITY = words("a number such as 8.9, or gfx942", r"\d{1,3}\.\d{1,3}|gfx[0-9a-f]{3,4}|metal|xpu", 10)
HOST_AND_PORT = words("a host and its port", r"[0-9A-Za-z.:\[\]-]+:\d{1,5}", 120)
URL_PATH = words("a path such as /health", r"(/[A-Za-z0-9_-]+)+", 80)
DAY = words("YYYY-MM-DD", r"\d{4}-\d{2}-\d{2}", 10)
CHECKSUM = words("sha256: and hexadecimal digits", r"sha256:[0-9a-f]{1,64}", 71)
RATE = words("a rate such as 100 Mbit/s", r"[0-9.]+ ?[A-Za-z]+(/s)?", 40)
MONTH = words("YYYY-MM, or nothing", r"(\d{4}-\d{2})?", 7)
NAMES = words("names with commas between them", r"[a-z0-9, -]*", 200)
VERSIONS = words("versions of engines, as ENGINE=0.19.0", r"[A-Za-z0-9.,=+ _-]*", 200)
DEVICE = words("a CDI device", r"[A-Za-z0-9._:/=-]+", 200)
SETTING_VALUE = words("text without control characters that does not begin with two dashes", r"(?!--).*", 1024)
TEXT_WORD = words("text without control characters", r".*", 1024)
MODELFILE = words("lines of a Modelfile", r".*", 4000, lines=True)
FIELD_PATH = words("the path of a field", r"[A-Za-z0-9_.\[\]-]+", 120)
SETTING = words("the name of a setting", r"(--)?[A-Za-z][A-Za-z0-9_-]*( [a-z_]+)?", 60)

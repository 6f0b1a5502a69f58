"""The header of a GGUF file (versions 2 and 3): metadata, and every tensor with its type and exact size.

Weights are never read. Layout: github.com/ggml-org/ggml, docs/gguf.md.
"""

from __future__ import annotations

import math
import mmap
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from advisor.edge.reading import is_file, opened
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.units import MIB

KEPT_ITEMS = 4096  # longer arrays (tokens, merges) are counted, not kept
# More than any model has; a file of zeros, of any length, ends at them.
MOST_ENTRIES, MOST_ITEMS, MOST_TEXT, MOST_SIDES, MOST_ELEMENTS, MOST_PARTS = 65_536, 4_000_000, 4 * MIB, 8, 10**13, 1024

# GGML type → name, elements in a block, bytes of a block.
TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("f32", 1, 4), 1: ("f16", 1, 2), 2: ("q4_0", 32, 18), 3: ("q4_1", 32, 20), 6: ("q5_0", 32, 22),
    7: ("q5_1", 32, 24), 8: ("q8_0", 32, 34), 9: ("q8_1", 32, 36), 10: ("q2_K", 256, 84),
    11: ("q3_K", 256, 110), 12: ("q4_K", 256, 144), 13: ("q5_K", 256, 176), 14: ("q6_K", 256, 210),
    15: ("q8_K", 256, 292), 16: ("iq2_xxs", 256, 66), 17: ("iq2_xs", 256, 74), 18: ("iq3_xxs", 256, 98),
    19: ("iq1_s", 256, 50), 20: ("iq4_nl", 32, 18), 21: ("iq3_s", 256, 110), 22: ("iq2_s", 256, 82),
    23: ("iq4_xs", 256, 136), 24: ("i8", 1, 1), 25: ("i16", 1, 2), 26: ("i32", 1, 4), 27: ("i64", 1, 8),
    28: ("f64", 1, 8), 29: ("iq1_m", 256, 56), 30: ("bf16", 1, 2), 34: ("tq1_0", 256, 54),
    35: ("tq2_0", 256, 66),
    39: ("mxfp4", 32, 17),
}  # fmt: skip
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9

Value = int | float | bool | str | tuple[int | float | bool | str, ...]


class GgufTensor(NamedTuple):
    """One tensor: dimensions with the row length first, type name, exact bytes."""

    name: str
    dimensions: tuple[int, ...]
    type: str
    elements: int
    n_bytes: int


class GgufHeader(NamedTuple):
    """Metadata (arrays too long to keep are empty tuples, their lengths in `lengths`) and tensors."""

    version: int
    metadata: Mapping[str, Value]
    lengths: Mapping[str, int]
    tensors: tuple[GgufTensor, ...]

    def bytes_by_type(self) -> Mapping[str, int]:
        """Type name → bytes of all tensors of that type."""
        total: Counter[str] = Counter()
        for tensor in self.tensors:
            total[tensor.type] += tensor.n_bytes
        return total


def read_header(path: Path) -> GgufHeader:
    """Read one file's header.

    Raises:
        BadInput: no GGUF, a version that is not known, an unknown tensor type, or a file that is cut off.
    """
    with opened(path) as stream:
        try:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
                return _Reader(path, view).header()
        except (ValueError, struct.error, OverflowError):
            raise BadInput(f"{path}: is no complete GGUF file") from None


def parts(path: Path) -> list[Path]:
    """All files of a split model (`-00001-of-00003.gguf`), or the one file.

    Raises:
        BadInput: a part is missing.
    """
    found = re.fullmatch(r"(.+)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if not found:
        return [path]
    files = [path.with_name(f"{found[1]}-{part:05d}-of-{found[3]}.gguf") for part in range(1, int(found[3]) + 1)]
    if not 1 <= len(files) <= MOST_PARTS:
        raise BadInput(f"{path}: has {len(files):,} parts by its name; from 1 to {MOST_PARTS:,} are read")
    missing = [file.name for file in files if not is_file(file)]
    if missing:
        raise BadInput(f"{path}: {len(missing)} of {len(files)} parts are missing, the first is {missing[0]}")
    return files


class _Reader:
    """A cursor over the mapped file."""

    def __init__(self, path: Path, view: mmap.mmap) -> None:
        self.path, self.view, self.at = path, view, 0

    def take(self, layout: str) -> int | float | bool:
        """One number, and move on."""
        (number,) = struct.unpack_from(layout, self.view, self.at)
        self.at += struct.calcsize(layout)
        result: int | float | bool = number
        return result

    def count(self, most: int) -> int:
        """A 64-bit length; a value that cannot fit into the file, or is more than any has, means that it is broken."""
        number = int(self.take("<Q"))
        if number > min(most, len(self.view)):
            raise ValueError("length beyond the end of the file")
        return number

    def text(self) -> str:
        """A string with its length in front."""
        length = self.count(MOST_TEXT)
        raw = self.view[self.at : self.at + length]
        self.at += length
        return raw.decode("utf-8", errors="replace")

    def header(self) -> GgufHeader:
        """Magic, version, metadata, tensors."""
        if self.view[:4] != b"GGUF":
            raise BadInput(f"{self.path}: is no GGUF file (it begins with {self.view[:4]!r})")
        self.at = 4
        version = int(self.take("<I"))
        if version not in (2, 3):
            raise BadInput(f"{self.path}: GGUF version {version} is not known; 2 and 3 are (little-endian)")
        n_tensors, n_values = self.count(MOST_ENTRIES), self.count(MOST_ENTRIES)
        metadata: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(n_values):
            key = self.text()
            metadata[key] = self.value(int(self.take("<I")), key, lengths)
        return GgufHeader(version, metadata, lengths, tuple(self.tensors(n_tensors)))

    def value(self, kind: int, key: str, lengths: dict[str, int]) -> Value:
        """A scalar, a string, or an array (kept if short)."""
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            return self.take(_SCALARS[kind]) if kind in _SCALARS else self._unknown(kind, key)
        kind, length = int(self.take("<I")), self.count(MOST_ITEMS)
        lengths[key] = length
        if kind == _STRING:
            return self._strings(length)
        layout = _SCALARS.get(kind) or self._unknown(kind, key)
        if length <= KEPT_ITEMS:
            return tuple(self.take(str(layout)) for _ in range(length))
        self.at += length * struct.calcsize(str(layout))
        return ()

    def _strings(self, length: int) -> tuple[str, ...]:
        if length <= KEPT_ITEMS:
            return tuple(self.text() for _ in range(length))
        view, at, unpack = self.view, self.at, struct.Struct("<Q").unpack_from
        for _ in range(length):
            at += 8 + unpack(view, at)[0]
        self.at = at
        return ()

    def _unknown(self, kind: int, key: str) -> str:
        raise BadInput(f"{self.path}: {shown(key)} has the unknown value type {kind}")

    def tensors(self, number: int) -> Iterator[GgufTensor]:
        """Name, shape, type and size of each."""
        for _ in range(number):
            name = self.text()
            shape = self.shape()
            kind = int(self.take("<I"))
            self.take("<Q")  # offset
            if kind not in TYPES:
                raise BadInput(f"{self.path}: tensor {shown(name)} has the unknown type {kind}")
            type_name, block, block_bytes = TYPES[kind]
            elements = math.prod(shape)
            yield GgufTensor(name, shape, type_name, elements, elements // block * block_bytes)

    def shape(self) -> tuple[int, ...]:
        """The sides of a tensor; what no file could hold means that this one is broken."""
        sides = int(self.take("<I"))
        if sides > MOST_SIDES:
            raise ValueError("more dimensions than any tensor")
        shape = tuple(int(self.take("<Q")) for _ in range(sides))
        if math.prod(shape) > MOST_ELEMENTS:
            raise ValueError("more elements than any tensor")
        return shape

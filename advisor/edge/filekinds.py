"""What a file is that somebody hands in, and which was asked for: said together, with the command that writes one."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from advisor.edge.reading import is_folder, named, parse_json, read_bytes, text_of
from advisor.edge.terminal import shown
from advisor.errors import BadInput

_MOST_BESIDE = 2000  # names of a folder among which the nearest is looked for
_MOST_OF_A_LINE = 40  # characters of a first line that a message repeats


class FileKind(NamedTuple):
    """One kind of file: how it is called, what tells it, and where one comes from."""

    name: str
    made: str  # the command that writes one
    suffixes: tuple[str, ...]  # of files that were meant to be one, whatever is in them
    keys: frozenset[str] = frozenset()  # of JSON: they stand in every one
    line: str = ""  # of text: a line that begins so stands in every one


PLAN = FileKind("a plan", "advisor recommend --out deploy", (".json",), frozenset(("engine", "launch", "settings")))
MACHINE = FileKind(
    "a recorded machine", "advisor probe --out hw.json", (".json",), frozenset(("cpu", "accelerators", "os"))
)
MEASUREMENTS = FileKind(
    "a measurement", "advisor measurements list --json", (".json",), frozenset(("loads", "candidate"))
)
PROFILE = FileKind(
    "a workload profile",
    "advisor workload requests.jsonl --out profile.yaml",
    (".yaml", ".yml"),
    line=r"(title|users|input_tokens|think_time_s):",
)
ROWS = FileKind("a table of configurations", "advisor predict --help", (".csv",), line=r"(\w+,)*(engine|gpu|model),")
LOG = FileKind(
    "a log of requests",
    "advisor workload --help",
    (".jsonl", ".log", ".json", ".gz"),
    line=r"\{.*(tokens|timestamp|\"ts\")",
)
_ANSWER = FileKind("the answer of --json", "", (), frozenset(("verdict", "schema_version")))
_MANIFEST = FileKind("the list of a folder's files", "", (), frozenset(("files",)))
_KINDS = (PLAN, MACHINE, MEASUREMENTS, PROFILE, ROWS, LOG, _ANSWER, _MANIFEST)
_SUFFIXES = {
    ".md": "Markdown", ".toml": "TOML", ".html": "a page of HTML", ".csv": "a table", ".sh": "a script",
    ".py": "a script", ".gguf": "a model's weights", ".safetensors": "a model's weights", ".zip": "an archive",
    ".pdf": "a document", ".png": "a picture", ".yml": "YAML of another kind", ".yaml": "YAML of another kind",
}  # fmt: skip


@contextlib.contextmanager
def expected(kind: FileKind, path: Path, where: str = "") -> Iterator[None]:
    """Read a file of that kind; what is refused because it is another one is told so.

    Args:
        kind: what is asked for.
        path: the file.
        where: what names it in messages, if not its path.

    Raises:
        BadInput: what was raised inside; where the file is of another kind or not there, what it is, what was asked
            for, and how one comes about.
    """
    try:
        yield
    except BadInput as refused:
        raise _told(refused, kind, path, where or named(path)) from None


def _told(refused: BadInput, kind: FileKind, path: Path, where: str) -> BadInput:
    try:
        if not path.exists():
            return _missing(kind, path, where)
    except (OSError, ValueError):  # a name that the system refuses
        return refused
    found = what_is(path)
    meant = path.suffix.lower() in kind.suffixes and found not in {each.name for each in _KINDS}
    if found == kind.name or (meant and not is_folder(path)):
        return refused
    article = f"`{kind.made}` writes {kind.name}" if "--help" not in kind.made else f"what is accepted: {kind.made}"
    said = f"{where}: is {found}, not {kind.name}" if found else str(refused)
    return BadInput(f"{said}\n{article}", near=refused.near or kind.made, seen=refused.seen, flag=refused.flag)


def _missing(kind: FileKind, path: Path, where: str) -> BadInput:
    """The nearest name in its folder stands first."""
    near = _beside(path)
    hint = f"; did you mean {near}?" if near else ""
    article = f"\n`{kind.made}` writes {kind.name}" if "--help" not in kind.made else ""
    return BadInput(
        f"{where}: there is no such file{hint}{article}", near=near or kind.made, seen=str(path) if near else None
    )


def _beside(path: Path) -> str | None:
    try:
        names = [each.name for each in islice(path.parent.iterdir(), _MOST_BESIDE) if each.is_file()]
    except (OSError, ValueError):
        return None
    near = next(iter(difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)), None)
    return str(path.parent / near) if near and near.isprintable() else None


def what_is(path: Path) -> str | None:
    """The kind of a file in words; None where nothing tells."""
    if is_folder(path):
        return "a folder"
    try:
        text = text_of(read_bytes(path))
    except BadInput:
        return None
    except UnicodeDecodeError:
        return _SUFFIXES.get(path.suffix.lower(), "no text in UTF-8")
    with contextlib.suppress(BadInput):
        return _of_json(parse_json(text, named(path)))
    return _of_text(text, path.suffix.lower())


def _of_json(found: Any) -> str | None:
    """By its keys; a list by those of its first entry."""
    first = found[0] if isinstance(found, list) and found else found
    keys = first.keys() if isinstance(first, dict) else set()
    return next((kind.name for kind in _KINDS if kind.keys and kind.keys <= keys), "JSON of another kind")


def _of_text(text: str, suffix: str) -> str | None:
    if suffix == ".json":
        return None  # it was meant to be: where it breaks off says more
    if suffix in (".md", ".toml", ".html", ".sh", ".py"):
        return _SUFFIXES[suffix]
    known = next((kind.name for kind in _KINDS if kind.line and re.search(rf"^{kind.line}", text, re.MULTILINE)), None)
    if known or not text.strip():
        return known or "empty"
    first = text.strip().splitlines()[0][:_MOST_OF_A_LINE]
    return _SUFFIXES.get(suffix, f"text that begins with {shown(first)}")

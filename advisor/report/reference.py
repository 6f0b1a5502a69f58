"""All entries of one kind that `explain` knows as a page of Markdown: rules, figures with their formulas, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from advisor.catalog import DATA, constants, formats
from advisor.report.explain import explain
from advisor.rules import rules

KINDS: Mapping[str, tuple[str, Callable[[], Iterable[str]]]] = {
    "rules": ("Rules: what refuses a way, warns of it, or decides between engines", rules),
    "figures": ("Figures: the formula behind each number of an answer", lambda: constants("figures")),
    "settings": ("Settings: what each is for, and how its value is chosen", lambda: constants("settings")),
    "formats": ("Formats of weights: bits, quality, engines", formats),
    "claims": ("Claims that are often repeated, and what was found", lambda: constants("claims")),
}
_PACKAGE = DATA.parent.parent  # whose files are named as in the repository: a page is read on other machines
_HEADS = ("rule", "figure", "setting", "format", "claim", "title")  # what the heading says already


def reference(kind: str) -> str:
    """The page of one kind, each entry under its own heading; `kind` is one of KINDS."""
    title, names = KINDS[kind]
    return "\n".join([f"# {title}", "", f"`advisor explain --all {kind}` prints this page.", *_entries(names())]) + "\n"


def _entries(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        entry = explain(name)
        claim = entry.get("claim", "")
        yield from ("", f"## {claim or f'`{name}`'}{_title(entry)}", "")
        yield from (f"- **{key}**: {_plain(item)}" for key, item in entry.items() if key not in _HEADS)


def _title(entry: Mapping[str, object]) -> str:
    return f": {_plain(entry['title'])}" if "title" in entry else ""


def _plain(item: object) -> str:
    """Text that Markdown leaves as it is, on one line."""
    text = " ".join(str(item).split()).replace(_PACKAGE.as_uri(), _PACKAGE.name)
    return "".join(f"\\{letter}" if letter in "\\*_<>|`" else letter for letter in text)

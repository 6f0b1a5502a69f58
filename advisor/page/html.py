"""HTML from plain calls: whatever is no `Html` yet is escaped, so that no text of anybody becomes markup."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

_VOID = frozenset({"base", "br", "input", "link", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Inside = object  # text, a number, `Html`, None, or any nesting of them


def el(tag: str, /, *inside: Inside, **attributes: str | int | float | bool | None) -> Html:
    """One element: `el("a", "text", href="?x=1", class_="quiet")`.

    An attribute that is None or False is left out, True stands without a value; `hx_get` becomes `hx-get`.
    """
    written = "".join(_attribute(key, item) for key, item in attributes.items())
    end = "" if tag in _VOID else f"</{tag}>"
    return Html(f"<{tag}{written}>{''.join(_flat(inside))}{end}")


def every(*inside: Inside) -> Html:
    """Several pieces one after the other."""
    return Html("".join(_flat(inside)))


def table(head: Iterable[Inside], rows: Iterable[Iterable[Inside]], caption: str) -> Html:
    """A table whose first column names its rows."""
    return el(
        "div",
        el(
            "table",
            el("caption", caption),
            el("thead", el("tr", [el("th", cell, scope="col") for cell in head])),
            el("tbody", [_row(list(row)) for row in rows]),
        ),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def _row(cells: list[Inside]) -> Html:
    return el("tr", el("th", cells[0], scope="row"), [el("td", cell) for cell in cells[1:]])


def _attribute(key: str, item: str | int | float | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if item is None or item is False:
        return ""
    return f" {name}" if item is True else f' {name}="{html.escape(str(item))}"'


def _flat(pieces: Iterable[Inside]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Html):
            yield piece
        elif isinstance(piece, list | tuple):
            yield from _flat(piece)
        elif piece is not None:
            yield html.escape(str(piece))

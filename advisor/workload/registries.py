"""What some keys accept, asked of those who know it, and only when it is needed: a cold `--help` loads no engine."""

from __future__ import annotations

import re
from collections.abc import Callable

from advisor.workload.kinds import NotAccepted


def tasks() -> tuple[str, ...]:
    """Tasks that have a ranking of models."""
    from advisor.catalog import ranking

    return ranking.tasks()


def engines() -> tuple[str, ...]:
    """What `engine` may say: every engine of the registry, and the two words for a choice."""
    from advisor.catalog import engine_names

    return ("auto", *engine_names(), "both")


def parts() -> tuple[str, ...]:
    """What can stand around the engine."""
    from advisor.deploy import PARTS

    return tuple(PARTS)


def ways() -> tuple[str, ...]:
    """How an engine can be run."""
    from advisor.engines.ways import WAYS

    return tuple(WAYS)


def no_host(text: str) -> str | None:
    """None for labels of letters, digits and dashes with dots between them."""
    label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    return None if re.fullmatch(rf"{label}(\.{label})*", text, re.IGNORECASE) else ""


def unknown_format(text: str) -> str | None:
    """None for `auto` and every spelling of a weights format.

    Raises:
        NotAccepted: none of them; with the nearest.
    """
    from advisor.catalog import formats, look_alikes, weights_format
    from advisor.errors import BadInput

    try:
        return None if text == "auto" or weights_format(text) else ""
    except BadInput:
        near, *others = *look_alikes(text, formats()), None
        also = ", ".join(filter(None, others))
        raise NotAccepted(f"also near: {also}" if also else "", near) from None


def no_helper(text: str) -> str | None:
    """None for `none` and models of the catalogue that make vectors or scores.

    Raises:
        NotAccepted: what is wrong, and the nearest model in place of the one that is not known.
    """
    from advisor.errors import BadInput
    from advisor.models.beside import helpers

    try:
        helpers(text)
    except BadInput as error:
        near = error.near and text.replace(error.seen or text, error.near, 1)
        raise NotAccepted(str(error).partition("; did you mean")[0], near) from None
    return None


def unknown_version(text: str) -> str | None:
    """None where an engine and a version can be read from it.

    Raises:
        NotAccepted: what cannot, and the nearest engine with the version that was written.
    """
    from advisor.engines.versions import nearest_version, read_versions

    if (said := _objection(read_versions, text)) is not None:
        raise NotAccepted(said, nearest_version(text))
    return None


def no_revision(text: str) -> str | None:
    """None for a commit, tag or branch, alone or of a repository; else what is wrong."""
    from advisor.models.revision import read_revision

    return _objection(read_revision, text)


def _objection(read: Callable[[str], object], text: str) -> str | None:
    """What the reader says against a text, without the name of the key that it says first."""
    from advisor.errors import BadInput

    try:
        read(text)
    except BadInput as error:
        return str(error).partition(": ")[2]
    return None


def unknown_network(text: str) -> str | None:
    """None where a speed can be read from it."""
    from advisor.errors import BadInput
    from advisor.probe.network import parse_link

    try:
        return None if parse_link(text) else ""
    except BadInput:
        return ""


def unknown_rate(text: str) -> str | None:
    """None where it is a rate of a line."""
    from advisor.engines.downloads import bytes_per_s

    return None if bytes_per_s(text) else ""

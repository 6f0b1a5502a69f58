"""What stands behind an id that a report shows: reason, threshold or formula, source."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from advisor.catalog import constants, engine_limits, engine_names, formats, sources
from advisor.catalog.flags import accepted
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.rules import rules

_DIGITS = str.maketrans("oil", "011")


def explain(name: str) -> dict[str, Any]:
    """The entry behind `name`, as ordered label → text.

    Raises:
        BadInput: nothing of that name; the nearest names are listed.
    """
    for find in _FINDERS:
        entry = find(name)
        if entry is not None:
            return entry
    known = {n.lower(): n for n in names()}
    digits = name[:3].lower() + name[3:].lower().translate(_DIGITS)  # of a rule: O and I are slips for 0 and 1
    begun = [n for n in known if len(name) > 1 and n.startswith(name.lower())][:4]
    found = begun or difflib.get_close_matches(name.lower(), known, n=4, cutoff=0.5)
    near = [known[n] for n in sorted(found, key=lambda n: n != digits)]
    hint = f"; did you mean {near[0]}?" if near else ""
    also = [f"also near: {', '.join(near[1:])}"] if near[1:] else []
    told = (f"explain {shown(name)}: no rule, setting, figure, format or claim has that name{hint}", *also)
    raise BadInput("\n".join((*told, "all rules: advisor catalog rules")), near=near[0] if near else None, seen=name)


def names() -> Iterable[str]:
    """Everything that can be explained."""
    yield from rules()
    yield from constants("figures")
    yield from constants("settings")
    yield from constants("claims")
    yield from formats()


def _rule(name: str) -> dict[str, Any] | None:
    rule = rules().get(name.upper())
    if rule is None:
        return None
    entry = {"rule": rule.id, "title": rule.title, "severity": rule.severity, "why": rule.why}
    if rule.threshold:
        entry["threshold"] = ", ".join(f"{key} = {item}" for key, item in rule.threshold.items())
    return entry | _source(rule.source)


def _figure(name: str) -> dict[str, Any] | None:
    entry = constants("figures").get(name.lower())
    if entry is None:
        return None
    told = {"figure": name.lower(), "title": entry["title"], "formula": entry["formula"], **_in_symbols(entry)}
    return told | {"why": entry["why"]} | _source(entry["source"])


def _in_symbols(entry: Mapping[str, Any]) -> dict[str, str]:
    """The formula in letters, step by step, and what each of them stands for, with its unit."""
    steps = "; ".join(entry["symbols"])
    case = f" ({entry['holds_for']})" if "holds_for" in entry else ""
    letters = sorted(letters_of(steps), key=lambda letter: (letter.lower(), letter))
    legend = "; ".join(f"{letter} = {constants('symbols')[letter]}" for letter in letters)
    return {"in symbols": steps + case, "where": legend}


def letters_of(formula: str) -> frozenset[str]:
    """The letters in a formula, with what marks them (`T_95`); longer words are functions."""
    return frozenset(re.findall(r"\b[A-Za-z](?:_\w+)?\b", formula))


def _setting(name: str) -> dict[str, Any] | None:
    """A setting that the advisor uses, or any other one that the pinned engines accept."""
    accepted = _accepted(name)
    entry = constants("settings").get(name)
    if entry is None:
        return accepted
    told = {"setting": name, "why": entry["why"], "chosen": entry["chosen"], **_listed(entry.get("listed", {}))}
    return (accepted or {}) | told | _source(entry["source"])


def _listed(tables: Mapping[str, list[str]]) -> dict[str, Any]:
    """Label → the cases of a table in another file, given by its area and keys, as text."""
    found = {}
    for label, (area, *keys) in tables.items():
        table = functools.reduce(lambda node, key: node[key], keys, constants(area))
        found[label] = ", ".join(f"{case} ({because})" for case, because in table.items())
    return found


def _accepted(name: str) -> dict[str, Any] | None:
    for engine in engine_names():
        for kind, known in accepted(engine).items():
            if name in known:
                shown = {key: item for key, item in known[name].items() if item not in (None, "", [], ())}
                title = engine_limits(engine).title + _WHERE.get(kind, "")
                return {"setting": name, "engine": title} | {f"engine's {key}": _plain(i) for key, i in shown.items()}
    return None


_WHERE = {"modelfile": " (Modelfile)"}  # where a setting of that kind stands, if not where the engine is started


def _plain(item: object) -> str:
    return ", ".join(map(str, item)) if isinstance(item, (list, tuple)) else str(item)


def _claim(name: str) -> dict[str, Any] | None:
    entry = constants("claims").get(name.lower())
    if entry is None:
        return None
    return {"claim": entry["claim"], "checked": entry["state"], "so": entry["so"]} | _source(entry["source"])


def _format(name: str) -> dict[str, Any] | None:
    known = {key.lower(): item for key, item in formats().items()}
    found = known.get(name.lower())
    if found is None:
        return None
    return {
        "format": found.name,
        "title": found.title,
        "bits a weight": f"{found.linear_bits} (linear layers), {found.embedding_bits} (embedding), "
        f"{found.head_bits} (head)",
        "quality": f"tier {found.quality_tier} (A: no loss that benchmarks show, B: small, C: visible)",
        "engines": ", ".join(found.engines),
    } | _source(found.source)


def _source(key: str) -> dict[str, Any]:
    source = sources()[key]
    return {"source": f"{source.title} - {source.url}"} | ({"note": source.note} if source.note else {})


_FINDERS: tuple[Callable[[str], dict[str, Any] | None], ...] = (_rule, _figure, _setting, _claim, _format)

"""Names in the Ollama library: tag → model, and model with quantisation → tag, by data/library.yaml."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants, gguf_format, model_entries, weights_format
from advisor.pattern import Pattern
from advisor.schema import ModelSpec

A_LINE = 3  # tags of a line of models, from which on the library knows it well
HUB = "hf.co/"  # what stands before a Hub repository that Ollama pulls itself
USUAL = "q4_K_M"  # what a short tag holds where no source says (ollama_library)
_QUANT = Pattern(r"(?:^|-)(q\d_[01]|q\d_K(?:_[SML])?|fp16|bf16|mxfp4|nvfp4)$", re.IGNORECASE)
_K_QUANT = Pattern(r"(?<=q\d_)k(?:_[sml])?$")


def library_reference(model: ModelSpec, format_name: str) -> tuple[str, bool] | None:
    """The tag that holds this model in this format, and whether it was seen, not derived by a rule.

    None: the library has no such tag (or no GGUF of it is known).
    """
    tag = model.ollama_tag
    if tag is None:
        return None
    if tag.startswith(HUB):
        if weights_format(format_name).kind != "gguf":
            return None
        return f"{tag}:{_spelling(format_name).upper()}", False
    if format_name == model.ollama_quantization:
        return tag, True
    if format_name == USUAL and model.ollama_quantization is None:
        return tag, False
    family, _, short = tag.partition(":")
    rule = constants("library")["families"].get(family)
    if rule is None or _spelling(format_name) not in _ladder(rule, short):
        return None
    stem = _stem(rule, short)
    return f"{family}:{'-'.join(part for part in (stem, _spelling(format_name)) if part)}", False


def _stem(rule: Mapping[str, Any], short: str) -> str:
    """What stands before the quantisation behind a short tag."""
    stem: str = rule.get("stems", {}).get(short, rule["stem"].format(size=short))
    return stem


def _spelling(format_name: str) -> str:
    """How tags write a format: `f16` is `fp16` there, so that the plain `fp16` is none of theirs."""
    spelling: Mapping[str, str] = constants("library")["spelling"]
    if format_name in spelling.values():
        return ""
    return spelling.get(format_name, format_name)


def _ladder(rule: Mapping[str, Any], short: str) -> list[str]:
    """The quantisations on offer behind a short tag, as tags spell them."""
    ladder = rule.get("only", {}).get(short, rule["ladder"])
    listed: list[str] = constants("library")["ladders"][ladder] if isinstance(ladder, str) else ladder
    return listed


@functools.cache
def _tags() -> Mapping[str, int]:
    """Tag of the library → place in `model_entries()`."""
    tagged = ((entry.get("ollama_tag") or HUB, place) for place, entry in enumerate(model_entries()))
    return {tag: place for tag, place in tagged if not tag.startswith(HUB)}


def find_tag(text: str) -> tuple[int, str | None] | None:
    """Place of the model behind a library tag, and the format in its name; None: not the catalogue's.

    `qwen2.5:7b`, `llama3.1:8b-instruct-q8_0` and `llama3.3` are all understood.
    """
    family, _, rest = as_tagged(text).removeprefix("library/").removesuffix(":local").partition(":")
    known = {tag: place for tag, place in _tags().items() if tag.split(":")[0] == family}
    if not known:
        return None
    quant = _QUANT.search(rest)
    format_name = gguf_format(quant[1]).name if quant else None
    size = rest[: quant.start()] if quant else rest
    place = known.get(f"{family}:{rest}")
    if place is None:
        place = _by_size(family, size, known)
    return None if place is None else (place, format_name)


def as_tagged(text: str) -> str:
    """The tag as the library writes it: `Phi3:14B-Q4_k_m` → phi3:14b-q4_K_M."""
    return _K_QUANT.sub(lambda found: found[0].upper(), text.lower())


def lines_of(word: str) -> list[str]:
    """Tags of the numbered generations of a bare name, newest first: of `qwen` those of qwen3.6, qwen3.5, ..."""
    numbered = re.compile(rf"{re.escape(word.strip().lower())}\d[\d.]*$")
    found = {tag: place for tag, place in _tags().items() if numbered.match(tag.split(":")[0])}
    if len(found) < A_LINE and word.strip().isalpha() and not find_tag(word):
        found |= _of_line(word.strip().lower())
    return sorted(found, key=lambda name: model_entries()[found[name]].get("release", ""), reverse=True)


def _of_line(word: str) -> dict[str, int]:
    """Hub id → place of the models in whose names a number or version follows that word."""
    ids = {entry["hf_id"]: place for place, entry in enumerate(model_entries())}
    numbered = re.compile(rf"(?:^|-){re.escape(word)}-?[a-z]?\d", re.IGNORECASE)
    return {name: place for name, place in ids.items() if word and numbered.search(name.rpartition("/")[2])}


def tags_like(text: str) -> list[str]:
    """The catalogue's tags of the family that `text` begins with."""
    family = text.partition(":")[0].lower()
    return [tag for tag in _tags() if tag.split(":")[0] == family]


def _by_size(family: str, size: str, known: Mapping[str, int]) -> int | None:
    """Take words off the end (`8b-instruct` → `8b`), then fall back on what the name alone means."""
    rule = constants("library")["families"].get(family, {})
    for tag, place in known.items():
        if "stem" in rule and size == _stem(rule, tag.partition(":")[2]):
            return place
    words = size.split("-") if size not in ("", "latest") else []
    for end in range(len(words), 0, -1):
        shorter = known.get(f"{family}:{'-'.join(words[:end])}")
        if shorter is not None:
            return shorter
    if not words:
        default = known.get(f"{family}:{rule.get('latest', 'latest')}")
        return default if default is not None else next(iter(known.values())) if len(known) == 1 else None
    return None

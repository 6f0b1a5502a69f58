"""Fresh prompts of a wanted length: seeded word salad, so that no cache of prompts can help an engine."""

from __future__ import annotations

import random

from advisor.schema import value

# Short common English words: one token each in the vocabularies in use; what differs is calibrated away.
_TEXT = """
time year people way day man thing woman life child world school state family student group country problem
hand part place case week company system program question work government number night point home water room
mother area money story fact month lot right study book eye job word business issue side kind head house
service friend father power hour game line end member law car city name president team minute idea kid body
information back parent face others level office door health person art war history party result change
morning reason research girl guy moment air teacher force education foot boy age policy process music market
sense nation plan college interest death experience effect use class control care field development role
effort rate heart drug show leader light voice wife police mind price report decision son view relationship
town road arm difference value building action model season society tax director position player record
paper space ground form event matter center couple site project activity star table need court oil situation
cost industry figure street image phone data picture practice piece land product doctor wall patient worker
news test movie north love support technology step baby computer type attention film tree source
organization hair look window culture chance brother energy period course summer plant opportunity term
letter condition choice rule daughter south husband floor campaign material
"""
WORDS = tuple(_TEXT.split())


@value
class Scale:
    """How words become tokens on one server: tokens = fixed + per_word x words (fixed: the chat template)."""

    fixed: float
    per_word: float

    def words(self, tokens: int) -> int:
        """How many words make a prompt of `tokens` tokens."""
        return max(1, round((tokens - self.fixed) / self.per_word))


def salad(words: int, seed: str) -> str:
    """That many random words; the same seed gives the same text.

    >>> salad(3, "a") == salad(3, "a") != salad(3, "b")
    True
    """
    pick = random.Random(seed)  # noqa: S311 - not for secrets
    return " ".join(pick.choices(WORDS, k=words))


def scale_from(short: tuple[int, int], long: tuple[int, int]) -> Scale:
    """From two prompts as (words, tokens the server counted)."""
    per_word = max((long[1] - short[1]) / (long[0] - short[0]), 0.1)
    return Scale(fixed=short[1] - per_word * short[0], per_word=per_word)


class Prompts:
    """The prompts of one run: no two begin alike unless a shared prefix is asked for."""

    def __init__(self, seed: str, tokens: int, scale: Scale, shared_prefix_tokens: int = 0) -> None:
        self._seed = seed
        prefix = min(scale.words(shared_prefix_tokens), scale.words(tokens)) if shared_prefix_tokens else 0
        self._prefix = salad(prefix, f"{seed}/prefix") + " " if prefix else ""
        self._words = max(1, scale.words(tokens) - prefix)
        self._taken, self._scale = prefix, scale

    def of(self, number: int) -> str:
        """The prompt of request `number`."""
        return self._prefix + salad(self._words, f"{self._seed}/{number}")

    def beginning(self, number: int, tokens: int) -> str:
        """The first `tokens` tokens of that prompt: what an earlier turn of the same conversation left in the cache."""
        words = min(max(self._scale.words(tokens) - self._taken, 1), self._words)
        return self._prefix + salad(words, f"{self._seed}/{number}")

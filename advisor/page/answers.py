"""Questions answered, the last ones remembered: quickly while somebody drags, wholly once they have settled."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from advisor.page.question import Asked, read
from advisor.pipeline import Answer, find_hardware, recommend
from advisor.schema import Hardware

KEPT = 64


class Answers:
    """What was answered since the page was started; the machine is looked at once, and again when asked to."""

    def __init__(self, look: Callable[[], Hardware] = lambda: find_hardware(None, None)) -> None:
        self._look = look
        self._machine: Hardware | None = None
        self._kept: OrderedDict[tuple[str, bool], Answer] = OrderedDict()
        self._keeping, self._whole = threading.Lock(), threading.Lock()

    @property
    def machine(self) -> Hardware:
        """This machine as it was last looked at."""
        with self._keeping:
            if self._machine is None:
                self._machine = self._look()
            return self._machine

    def look_again(self) -> Hardware:
        """Look at this machine anew, and forget what was answered about it."""
        with self._keeping:
            self._machine = None
        self.forget()
        return self.machine

    def forget(self) -> None:
        """Answer anew from now on: what is known has changed."""
        with self._keeping:
            self._kept.clear()

    def quick(self, asked: Asked) -> Answer:
        """Verdict, predictions and curve; without how much load is carried and what would make it a yes.

        Raises:
            BadInput: a name or a value that cannot be used.
        """
        known = self._known(asked, quick=False)
        return known or self._known(asked, quick=True) or self._asked(asked, quick=True)

    def whole(self, asked: Asked) -> Answer:
        """Everything that `recommend` finds. One at a time: it takes the processor for seconds.

        Raises:
            BadInput: a name or a value that cannot be used.
        """
        with self._whole:
            return self._known(asked, quick=False) or self._asked(asked, quick=False)

    def pinned(self, asked: Asked) -> tuple[tuple[Asked, Answer], ...]:
        """Each pinned question with its answer.

        Raises:
            BadInput: one that cannot be used.
        """
        questions = [read(pin) for pin in asked.pins]
        return tuple((question, self.quick(question)) for question in questions)

    def _known(self, asked: Asked, *, quick: bool) -> Answer | None:
        with self._keeping:
            return self._kept.get((asked.alone(), quick))

    def _asked(self, asked: Asked, *, quick: bool) -> Answer:
        machine = None if asked.gpu else self.machine
        found = recommend(
            profile=asked.profile,
            overrides=asked.overrides,
            gpu=asked.gpu,
            machine=machine,
            others=not quick,
            quick=quick,
        )
        with self._keeping:
            self._kept[asked.alone(), quick] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

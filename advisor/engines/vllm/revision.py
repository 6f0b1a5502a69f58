"""The state of a repository that vLLM is told to load: weights, tokenizer and the Python that comes with them."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.engines.vllm.needs import REMOTE_CODE
from advisor.engines.vllm.rows import flag
from advisor.schema import ModelSpec, Revision, Setting

SOURCE = "engines-vllm-revision"


def revision_settings(model: ModelSpec, ref: str, needed: list[Setting]) -> Iterator[Setting]:
    """The flags of a pinned repository; none where nothing is pinned.

    Args:
        ref: the repository or folder that is loaded.
        needed: flags that it needs, among them that its Python is run.
    """
    found = model.revisions.get(ref)
    if found is None:
        return
    yield flag("--revision", found.name, who_says(found), SOURCE)
    yield flag("--tokenizer-revision", found.name, "the tokenizer of the same state", SOURCE)
    if any(setting.name == REMOTE_CODE for setting in needed):
        yield flag("--code-revision", found.name, "the Python of the same state: what was read is what runs", SOURCE)


def who_says(found: Revision) -> str:
    """Whether it is known to be there, and by whom."""
    if found.seen is None:
        return "as asked; the Hub was not asked whether it is there"
    if found.asked:
        return f"{found.asked} pointed to this commit on {found.seen}, says the Hub; later ones change nothing here"
    return f"as asked; there on {found.seen}, says the Hub"


def with_revision(ref: str, name: str | None) -> str:
    """A repository and the state of it to fetch, in one word."""
    return f"{ref}@{name}" if name else ref

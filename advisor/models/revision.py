"""Which state of a repository on the Hub is loaded: a commit, tag or branch as asked, made a commit by the Hub.

Written as the revision of the repository that `--model` names, as REPOSITORY=REVISION of what a plan loads, or both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from advisor.edge.answers import fetched
from advisor.edge.reading import parse_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.models.library import HUB
from advisor.schema import ModelSpec, Revision

NONE = "none"  # as if nothing had been asked for
MAIN = "main"  # what an engine loads that is told nothing
_NAME = r"(?!.*(\.\.|//|@\{))[A-Za-z0-9][A-Za-z0-9._/+-]*(?<![./])"
_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
COMMIT = r"[0-9a-f]{40}"


def read_revision(text: str | None) -> dict[str, str]:
    """Repository → revision; the one without a repository is under the empty name.

    Raises:
        BadInput: what is no revision.
    """
    found: dict[str, str] = {}
    for word in (text or NONE).split(","):
        repository, between, name = word.strip().rpartition("=")
        bad = re.fullmatch(_NAME, name) is None or (between and re.fullmatch(_REPOSITORY, repository) is None)
        if bad or repository in found:
            raise BadInput(f"revision: {shown(word)} is none")
        found[repository] = name
    return {} if text in (None, NONE) else found


def at_revision(model: ModelSpec, named: str, revision: str | None, *, offline: bool) -> tuple[ModelSpec, str | None]:
    """The model at what was asked for, and what to ask for to get the same again.

    A revision alone means the named repository and no other form of the model; REPOSITORY=REVISION holds where that
    repository is loaded.

    Args:
        named: the model as it was asked for.
        offline: the Hub is not asked which commit that is.

    Raises:
        BadInput: the name is of no repository that an engine loads by revision, or the Hub has no such revision.
    """
    asked = read_revision(revision)
    if not asked:
        return model, None  # the same object: what is kept by identity stays known
    only = _repository(model, named, asked[""]) if "" in asked else None
    if only is not None:
        kept = {name: other for name, other in model.repos.items() if other == only}
        model = replace(model, repos=kept, ollama_tag=None, ollama_quantization=None)
    found = {name or only or "": _state(name or only or "", each, offline) for name, each in asked.items()}
    return replace(model, revisions=found), written(found, only)


def written(revisions: Mapping[str, Revision], only: str | None = None) -> str | None:
    """What to ask for to get these; None where there are none.

    Args:
        only: the repository of which no other form is meant.
    """
    words = (found.name if name == only else f"{name}={found.name}" for name, found in revisions.items())
    return ",".join(words) or None


def _repository(model: ModelSpec, named: str, name: str) -> str:
    """The repository that was named, as it is written.

    Raises:
        BadInput: it was a folder, a file, a tag, a bare name or GGUF files, of which no engine loads a revision.
    """
    loaded = {} if model.path else {each.lower(): each for each in (model.hf_id, *model.repos.values())}
    wanted = named.strip().lower()
    if wanted in loaded and (model.ollama_tag or "").lower() != HUB + wanted:
        return loaded[wanted]
    other = f", such as {model.hf_id}" if model.path is None and model.hf_id.count("/") == 1 else ""
    raise BadInput(
        f"revision: {shown(name)} is of a repository that is loaded from the Hub, and model {shown(named)} names "
        f"none; accepted: --model OWNER/NAME{other}. A library's tag stays what was pulled first; of GGUF files, "
        f"`hf download OWNER/NAME FILE.gguf --revision {name}`, then --model FILE.gguf"
    )


def _state(repository: str, name: str, offline: bool) -> Revision:
    """What was asked for, as the commit that it is where the Hub says so.

    Raises:
        BadInput: the Hub has no such revision.
    """
    import urllib.error

    if offline:
        return Revision(name=name)
    try:
        return asked_of_hub(repository, name)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            return Revision(name=name)
        raise BadInput(
            f"revision: the Hub has no commit, tag or branch {shown(name)} of {repository}; accepted: one of "
            f"https://huggingface.co/{repository}/commits/main"
        ) from None
    except (OSError, BadInput):  # it cannot be asked, or answers something else
        return Revision(name=name)


def offline_by_name() -> bool:
    """Whether the Hub's own variable says that it is not to be asked."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


def asked_of_hub(repository: str, name: str) -> Revision:
    """The commit that a revision is, in the Hub's own words.

    Raises:
        OSError: it does not answer, or not well.
        BadInput: it answers something else.
    """
    from urllib.parse import quote

    from advisor.models.hub import ENDPOINT, MOST_BYTES, TIMEOUT_S, TOTAL_S

    if offline_by_name():
        raise OSError("HF_HUB_OFFLINE is set")
    url = f"{ENDPOINT}/api/models/{quote(repository)}/revision/{quote(name, safe='')}"
    loaded = parse_json(fetched(url, idle_s=TIMEOUT_S, total_s=TOTAL_S, most=MOST_BYTES), url)
    commit = loaded.get("sha") if isinstance(loaded, dict) else None
    if not isinstance(commit, str) or re.fullmatch(COMMIT, commit) is None:
        raise BadInput(f"{url}: no commit")
    return Revision(name=commit, asked="" if commit == name else name, seen=date.today().isoformat())

"""The deployment folder: as it was written, and with its secrets to itself."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog.licences import limits
from advisor.checklist.systems import typed
from advisor.engines.ways import ways_of
from advisor.folder.write import MANIFEST
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.shell import bearer, from_env

# A manifest may name any file: only regular ones below the folder, under the names they have there, are read.
_LISTED = r's/^ *"([^"]+)": "([0-9a-f]{64})",?$/\2  .\/\1/p'
STARTS = {"native": ("run.sh", "stop.sh"), "compose": ("compose.yaml",)}  # files without which a way has no start


def folder_checks(plan: Plan) -> Iterator[Check]:
    """Unchanged files, a private .env, access to a gated model, and a licence that limits its use."""
    if plan.hardware.os != "windows":  # neither bash nor .env is there
        yield from _as_written(plan)
    if plan.launch.needs_token:
        yield _access(plan.launch.model_ref)
    if terms := limits(plan.model):
        yield _licence(plan.model.hf_id, terms)


def _as_written(plan: Plan) -> Iterator[Check]:
    needed = ("plan.json", *(name for way in ways_of(plan) for name in STARTS.get(way, ())))
    yield Check(
        id="files",
        fact="The files are as advisor wrote them",
        why="a file that was changed by hand is not what was planned, and the next rendering replaces it",
        command=f"ls {' '.join(needed)} >/dev/null && awk 'NR == FNR {{here[$0]; next}} substr($0, 67) in here' "
        f"<(find . -type f) <(sed -nE '{_LISTED}' {MANIFEST}) | {typed('checksum', plan)} --check --quiet",
        expect="no output",
        otherwise="advisor render plan.json --out . --force (keeps what you changed as .bak-N)",
    )
    yield Check(
        id="env-file",
        fact="Only you can read .env, and what lies beside it for one service alone",
        why="it holds the key and the token",
        command='for file in .env engine.env grafana.env; do [ ! -e "$file" ] || '
        '[ "$(ls -lL "$file" | cut -c5-10)" = ------ ] || { ls -lL "$file"; exit 1; }; done',
        expect="no output",
        otherwise="chmod 600 .env *.env",
    )


def _licence(model: str, terms: str) -> Check:
    return Check(
        id="model-licence",
        fact=f"{model} may be served here under its licence - {terms}",
        why="a model that runs may still not be used for what it is meant for; this is no legal advice",
        command=None,
        expect="somebody who may decide has read the terms and accepts them for this use",
        otherwise="take another model: `advisor recommend` without --model offers those that a service may use",
    )


def _access(repository: str) -> Check:
    url = f"https://huggingface.co/{repository}"
    return Check(
        id="model-access",
        fact=f"{repository} is gated: its licence was accepted and a token is in engine.env",
        why="without both the download is refused",
        command=f'token={from_env("HF_TOKEN", "engine.env")}; [ -n "$token" ] || '
        f"{{ echo no HF_TOKEN in engine.env; exit 1; }}; "
        f"curl -fsS -m 15 -o /dev/null {bearer('token')} {shell(url + '/resolve/main/config.json')}",
        expect="no output",
        otherwise=f"accept the licence at {url}, then put a token with read access into engine.env as HF_TOKEN",
    )

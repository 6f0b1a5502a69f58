"""Ollama where there is no network: its archive, a store filled elsewhere, and no question to the vendor's cloud."""

from __future__ import annotations

from advisor.engines.deployment import Supplies
from advisor.schema import Plan

RELEASES = "https://github.com/ollama/ollama/releases/download"

# The server checks the digest of every blob, and goes on with one that was cut off; a tag that is in the store stays,
# and the digest with which it came is in the log.
FETCH = """\
ollama serve & server=$!
until ollama list >/dev/null 2>&1; do sleep 1; done
ollama show "$1" >/dev/null 2>&1 || { ollama pull "$1" && ollama list "$1"; }
kill "$server"
wait "$server" || true
"""


def supplies(plan: Plan) -> Supplies:
    """The store is a folder: whole models are copied with it."""
    return Supplies(
        weights="models",
        store="models",
        fetched_by="`ollama pull` into a store of its own",
        archive=f"{RELEASES}/v{plan.engine_version}/{_archive(plan)}",
        variables=("OLLAMA_NO_CLOUD",),
        repositories=(plan.launch.model_ref,),
        fetch=FETCH,
    )


def _archive(plan: Plan) -> str:
    """The name of the vendor's own archive for this machine."""
    system = "arm64" if plan.hardware.cpu.architecture in ("aarch64", "arm64") else "amd64"
    return "ollama-darwin.tgz" if plan.hardware.os == "darwin" else f"ollama-linux-{system}.tar.zst"

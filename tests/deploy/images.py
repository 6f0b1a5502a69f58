"""Container images from files, without a daemon: the archive that `docker save` writes and containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def layer(target: Path, files: Mapping[str, Path]) -> Path:
    """A layer that holds each file or folder at its place, owned by root."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        return entry

    with tarfile.open(target, "w") as tar:
        for place, source in files.items():
            tar.add(source, arcname=place.lstrip("/"), filter=owned)
    return target


def archive(target: Path, name: str, layers: Sequence[Path], settings: Mapping[str, Any]) -> Path:
    """An image of these layers, with the settings of its configuration (Entrypoint, Cmd, Env)."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(path)}" for path in layers]},
    }
    places = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": places}]
    with tarfile.open(target, "w") as tar:
        for place, path in zip(places, layers, strict=True):
            tar.add(path, arcname=place)
        for place, data in (("config.json", config), ("manifest.json", manifest)):
            text = json.dumps(data).encode()
            entry = tarfile.TarInfo(place)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    return target


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

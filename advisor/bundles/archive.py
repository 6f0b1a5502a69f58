"""The file of a bundle: a zip with `bundle.json`, which names version, date and the SHA-256 of every other file."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from advisor import __version__
from advisor.catalog.bundle import DATE, FACTS, MANIFEST, SCHEMA, VERSION
from advisor.edge.reading import parse_json
from advisor.edge.terminal import shown
from advisor.errors import BadInput
from advisor.schema import value
from advisor.units import MIB

MOST_BYTES = 16 * MIB  # of the file
MOST_UNPACKED = 64 * MIB  # of everything in it
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)  # what zipfile raises


@value
class Archive:
    """A bundle that is whole: every file is the one that the manifest names."""

    version: str
    date: str
    files: Mapping[str, bytes]  # by name, of FACTS


def pack(version: str, date: str, files: Mapping[str, bytes]) -> bytes:
    """The file of a bundle, the same from run to run."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest = {"schema": SCHEMA, "version": version, "date": date, "needs_advisor": __version__, "files": sums}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in ((MANIFEST, json.dumps(manifest, indent=1).encode()), *sorted(files.items())):
            packed.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unpack(content: bytes, where: str) -> Archive:
    """Take a bundle's file apart; nothing is written.

    Raises:
        BadInput: no bundle, a bundle from the future, or one that is not whole; names the file in it and what is wrong.
    """
    files = _members(content, where)
    if MANIFEST not in files:
        raise BadInput(f"{where}: is no bundle: there is no {MANIFEST} in it")
    manifest = _manifest(parse_json(files.pop(MANIFEST), f"{where}: {MANIFEST}"), f"{where}: {MANIFEST}")
    _whole(manifest["files"], files, where)
    return Archive(version=manifest["version"], date=manifest["date"], files=files)


def _members(content: bytes, where: str) -> dict[str, bytes]:
    """Every file in a zip, by name: only names of ours, each once, not too large together."""
    found: dict[str, bytes] = {}
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.infolist():
                _admissible(member.filename, found, where)
                with packed.open(member) as stream:
                    found[member.filename] = stream.read(left + 1)
                left -= len(found[member.filename])
                if left < 0:
                    raise BadInput(f"{where}: unpacks to more than {MOST_UNPACKED // MIB} MiB")
    except _DAMAGED as error:
        reason = shown(str(error)) if str(error) else type(error).__name__
        raise BadInput(f"{where}: is no whole bundle, a zip is expected ({reason})") from None
    return found


def _admissible(name: str, found: Mapping[str, bytes], where: str) -> None:
    if name not in (MANIFEST, *FACTS):
        raise BadInput(f"{where}: holds {shown(name)}, which is no file of a bundle; accepted: {', '.join(FACTS)}")
    if name in found:
        raise BadInput(f"{where}: holds {name} twice")


def _manifest(found: Any, where: str) -> dict[str, Any]:
    """The manifest, where this program reads bundles of its schema."""
    if not isinstance(found, dict) or not isinstance(found.get("schema"), int):
        raise BadInput(f"{where}: schema: is missing; this advisor reads bundles of schema {SCHEMA}")
    if found["schema"] != SCHEMA:
        needs = found.get("needs_advisor")
        wanted = f"advisor {shown(needs)} or newer" if isinstance(needs, str) else "another version of advisor"
        raise BadInput(
            f"{where}: schema: is {shown(found['schema'])}, and advisor {__version__} reads {SCHEMA}: "
            f"this bundle needs {wanted}"
        )
    for key, form, accepted in (("version", VERSION, "2026.11.28"), ("date", DATE, "2026-11-28")):
        if not isinstance(found.get(key), str) or not form.fullmatch(found[key]):
            raise BadInput(f"{where}: {key}: must be written as in {accepted}; saw {shown(found.get(key))}")
    files = found.get("files")
    if not isinstance(files, dict) or not files or not all(isinstance(one, str) for one in files.values()):
        raise BadInput(f"{where}: files: must give a SHA-256 for every file; saw {shown(files)}")
    return found


def _whole(sums: Mapping[str, str], files: Mapping[str, bytes], where: str) -> None:
    """Refuse a file that is missing, not named, or another than the one that was packed."""
    for name in sorted(sums.keys() | files.keys()):
        if name not in files:
            raise BadInput(f"{where}: {shown(name)}: is named in {MANIFEST} and not in the bundle")
        seen = hashlib.sha256(files[name]).hexdigest()
        if sums.get(name) != seen:
            raise BadInput(f"{where}: {name}: SHA-256 is {seen}, {MANIFEST} says {shown(sums.get(name))}")

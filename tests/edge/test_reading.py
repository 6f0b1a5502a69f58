"""Files that nobody meant well, one kind at a time: a value or a clear refusal, and an end (thousands: `tests/hostile`)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.edge.reading import MOST_DEEP, parse_json, read_bytes, read_text
from advisor.edge.terminal import MOST_SHOWN
from advisor.edge.yamls import plain_yaml
from advisor.errors import BadInput
from advisor.evaluate import read_measurements
from advisor.folder.saved import read_plan
from advisor.measured.store import measurements_from
from advisor.models.names import find_model_and_format
from advisor.pipeline import find_hardware
from advisor.workload import load_workload
from advisor.workload.seen.given import of_file
from tests.hostile.readers import CARD, COUNTED, METRICS, REQUESTED
from tests.probe.test_foreign import NVIDIA

PLAN = CARD.parents[1] / "golden/one-person-rtx-4090/out/plan.json"


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A pipe, a device and a folder are refused at once, not waited for."""
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(BadInput, match=f"{path}: (is {kind}, not a regular file|cannot be read)"):
            read_bytes(path)


def test_a_file_has_a_size_and_an_encoding(tmp_path: Path) -> None:
    """What is too large or not UTF-8 is refused by name; a byte order mark is no part of the text."""
    path = tmp_path / "f"
    path.write_bytes(b"\xef\xbb\xbftext")
    assert read_text(path) == "text"
    path.write_bytes(b"t\xe4glich")
    with pytest.raises(BadInput, match="not text in UTF-8"):
        read_text(path)
    with pytest.raises(BadInput, match="is larger than"):
        read_bytes(path, most=3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_what_powershell_writes_is_text(encoding: str, tmp_path: Path) -> None:
    """Its `>` gives UTF-16 with a mark: machines, profiles, logs, pages of metrics and tables are read as in UTF-8."""
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""

    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_bytes(mark + text.replace("\n", "\r\n").encode(encoding))
        return tmp_path / name

    assert len(find_hardware(None, written("smi.csv", NVIDIA)).accelerators) == 2
    assert find_hardware(None, written("hw.json", CARD.read_text())).accelerators[0].name == "NVIDIA GeForce RTX 4090"
    profile = (CARD.parents[2] / "profiles/chat.yaml").read_text()
    assert load_workload(str(written("p.yaml", profile)), {}).task == "chat"
    assert of_file(written("log.jsonl", REQUESTED), print) and of_file(written("page.txt", COUNTED + METRICS), print)
    assert len(read_measurements(written("m.csv", "engine,gpu,model,output_tok_s_total\nvllm,T4,x,9\n"))) == 1


@pytest.mark.parametrize("read", [parse_json, plain_yaml])
def test_a_key_stands_once(read: Callable[..., object]) -> None:
    """A person who looks a file over sees the first of two, and a program takes the last: both are refused by name."""
    known = {"once": True} if read is parse_json else {}
    for text in ('{"a": {"b": 1, "c": [{"d": 2, "d": 3}]}}', '{"d": 1, "d": 1}'):
        with pytest.raises(BadInput, match=r"^f(:1)?: d: stands twice"):
            read(text, "f", **known)
    assert read('{"a": {"d": 1}, "b": [{"d": 2}, {"d": 3}]}', "f", **known)


def test_no_file_that_was_written_here_holds_a_key_twice(tmp_path: Path) -> None:
    """A plan, a recorded machine and a measurement are refused by the name of the key."""
    for source, read in (
        (PLAN, read_plan),
        (CARD, lambda path: find_hardware(None, path)),
    ):
        text = source.read_text()
        key = text.split('"')[1]
        path = tmp_path / source.name
        path.write_text(text.replace("{", f'{{"{key}": "what is looked at", ', 1))
        with pytest.raises(BadInput, match=f"{source.name}: {key}: stands twice"):
            read(path)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "no/such/file", "~nosuchuser/x"])
def test_a_name_that_the_system_refuses_is_bad_input(name: str) -> None:
    """Whatever stands where the name of a file is expected is refused in words, with the name cut short."""
    for read in (read_bytes, lambda path: find_hardware(None, path), lambda path: measurements_from(str(path))):
        with pytest.raises(BadInput) as refused:
            read(Path(name))
        assert len(str(refused.value)) < 400
    with pytest.raises(BadInput):
        find_model_and_format(name, offline=True)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" + "0" * 400])
def test_json_holds_finite_numbers(number: str) -> None:
    """A number that no computation ends with is refused with the key that holds it."""
    with pytest.raises(BadInput, match=r"f: a\.0\.b: must be a number up to") as refused:
        parse_json(f'{{"a": [{{"b": {number}}}]}}', "f")
    assert len(str(refused.value)) < 2 * MOST_SHOWN


@pytest.mark.parametrize("deep", [MOST_DEEP + 1, 900, 100_000])
def test_json_nests_only_so_deep(deep: int) -> None:
    """Lists within lists are refused at the same depth, however Python's own stack stands."""
    with pytest.raises(BadInput, match="nests deeper than"):
        parse_json("[" * deep + "]" * deep, "f")


def test_a_file_of_zeros_ends(tmp_path: Path) -> None:
    """Headers that promise billions of entries in a file of zeros are refused, however long the file is."""
    path = tmp_path / "m.gguf"
    for counts in ((2**33, 0), (0, 2**33), (1, 1)):
        path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + b"".join(n.to_bytes(8, "little") for n in counts))
        os.truncate(path, 2**34)
        began = time.process_time()
        with pytest.raises(BadInput):
            find_model_and_format(str(path), offline=True)
        assert time.process_time() - began < 2.0, counts

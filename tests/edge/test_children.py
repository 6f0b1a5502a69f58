"""Children have a time limit, bounded output, and no life of their own, however this program ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advisor.edge.children import MOST_BYTES, members, run

# Ways to go on after the line that started it: in the background, in a process group of its own, deaf to TERM.
OUTLIVING = {
    "a checksum without end": "sha256sum /dev/zero",
    "a pipe": "cat /dev/zero | tr a b | sha256sum",
    "in the background": "sleep 321 & sha256sum /dev/zero",
    "a process group of its own": "timeout 321 sleep 321",
    "deaf": "trap '' TERM INT HUP; while :; do sleep 321; done",
    "job control": "set -m; sleep 321 & wait",
    "prints without end": "yes",
    "closes what it prints to": "exec >/dev/null 2>&1; sleep 321",
}
PARENT = """
import sys
from advisor.edge.children import run
run(["bash", "-c", 'echo $$ >"$0.new"; mv "$0.new" "$0"; ' + sys.argv[2], sys.argv[1]], limit_s=300)
"""


def session_of(file: Path) -> int:
    """The session that a child wrote down, once it has."""
    end = time.monotonic() + 20
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end, "the child did not start"
        time.sleep(0.02)
    return int(file.read_text())


def gone(session: int, patience_s: float = 5.0) -> bool:
    """Whether nothing of a session lives any more."""
    end = time.monotonic() + patience_s
    while members(session) and time.monotonic() < end:
        time.sleep(0.02)
    return not members(session)


@pytest.mark.parametrize("line", OUTLIVING.values(), ids=OUTLIVING)
def test_a_time_limit_ends_all_of_it(line: str, tmp_path: Path) -> None:
    """What takes too long is ended within a second of its limit, with everything that it began, and keeps little."""
    began = time.monotonic()
    done = run(["bash", "-c", f'echo $$ >"$0"; {line}', str(tmp_path / "s")], limit_s=0.4)
    assert done.code is None and time.monotonic() - began < 3.0
    assert len(done.out) <= MOST_BYTES
    assert gone(int((tmp_path / "s").read_text()), 0.1)


@pytest.mark.parametrize("line", OUTLIVING.values(), ids=OUTLIVING)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_children_end_with_their_parent(line: str, number: signal.Signals, tmp_path: Path) -> None:
    """Whatever kills this program, SIGKILL included: nothing that it began lives a few seconds later."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "s"), line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    session = session_of(tmp_path / "s")
    parent.send_signal(number)
    parent.wait(timeout=20)
    assert gone(session), members(session)


def test_a_child_is_guarded_from_its_first_moment(tmp_path: Path) -> None:
    """A child whose first act but its number is to kill this program ends all the same.

    It writes the number down before, in one step of its shell: the guard is quick enough to end it between the two.
    """
    for number in range(5):
        file = tmp_path / str(number)
        code = PARENT.replace('echo $$ >"$0.new"; mv "$0.new" "$0"; ', 'echo $$ >"$0"; kill -KILL $PPID; ')
        parent = subprocess.Popen([sys.executable, "-c", code, str(file), "sleep 321"], stderr=subprocess.DEVNULL)
        session = session_of(file)
        assert parent.wait(timeout=20) == -signal.SIGKILL
        assert gone(session), members(session)


def test_what_a_line_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    """A line that ends well and leaves something behind keeps its result, and what it left is ended."""
    done = run(["bash", "-c", 'echo $$ >"$0"; sleep 321 >/dev/null 2>&1 & echo yes', str(tmp_path / "s")], limit_s=20)
    assert (done.code, done.out) == (0, "yes\n")
    assert gone(int((tmp_path / "s").read_text()), 0.1)


def test_what_is_printed_arrives() -> None:
    """Both streams, or one of both in order; the exit status as it is; of much the end."""
    assert run(["sh", "-c", "echo a; echo b >&2; exit 3"], limit_s=20) == (3, "a\n", "b\n")
    assert run(["sh", "-c", "echo a; echo b >&2"], limit_s=20, merged=True) == (0, "a\nb\n", "")
    assert run(["sh", "-c", "head -c 3000000 /dev/zero; echo end"], limit_s=20).out.endswith("end\n")
    with pytest.raises(OSError, match="no-such-program"):
        run(["no-such-program"], limit_s=1)


def test_a_session_of_another_is_left_alone() -> None:
    """Sessions that have ended are no longer guarded: their numbers may be another's by then."""
    code = "from advisor.edge.children import run, guard; run(['true'], limit_s=9); print(guard().pid); guard().stdin.close()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not Path(f"/proc/{done.stdout.strip()}").exists() or os.name != "posix"

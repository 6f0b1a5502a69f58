"""Any string survives systemd's own parser and Podman's own generator."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor import quoting
from advisor.errors import BadInput
from tests.deploy.real_systemd import command_line, dump
from tests.engines.engine_cases import tool

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
TROUBLE = ["", ";", " ", "%h %%", "$HOME ${X} $$", 'a"b', "it's", "\\", "a\\n", "a\nb\r\t", "\x01\x7f", "é漢😀", "\x85\u2028", "-x", "@!+:"]  # fmt: skip
CARRIED = TEXT.filter(lambda text: text not in ("", ";") and "\x80" not in text)
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UNIT = "[Unit]\nDefaultDependencies=no\n[Service]\n"

pytestmark = pytest.mark.external


def through_systemd(texts: list[str]) -> list[str]:
    """The words of an ExecStart line as systemd reads them."""
    return command_line(f"{UNIT}ExecStart=/bin/echo {' '.join(map(quoting.systemd, texts))}\n")[1:]


def through_quadlet(texts: list[str], folder: Path) -> list[str]:
    """The words of a quadlet's Exec= line, read by Podman's generator and then by systemd."""
    made = quadlet(f"Exec={' '.join(map(quoting.quadlet, texts))}\n", folder)
    return command_line(UNIT + made + "\n")[-len(texts) :]


def quadlet(lines: str, folder: Path) -> str:
    """The ExecStart line that Podman's generator makes."""
    units = folder / "quadlet"
    units.mkdir(parents=True, exist_ok=True)
    (units / "x.container").write_text(f"[Container]\nImage=i\n{lines}", encoding="utf-8")
    done = subprocess.run(
        [tool("quadlet"), "-dryrun"], capture_output=True, check=True, env={"QUADLET_UNIT_DIRS": str(units)}
    )
    found = re.search(r"^ExecStart=.*$", done.stdout.decode(), re.MULTILINE)
    assert found is not None, done.stderr.decode()
    return found.group()


@SLOW
@given(st.lists(TEXT, min_size=30, max_size=60))
def test_systemd_gives_back_what_was_quoted(texts: list[str]) -> None:
    """Any list of words on an ExecStart line is the same list behind systemd's parser."""
    assert through_systemd(texts) == texts


def test_systemd_gives_back_known_trouble() -> None:
    """Specifiers, variables, separators, prefixes and control characters are words like any other."""
    assert through_systemd(TROUBLE) == TROUBLE


@SLOW
@given(st.lists(CARRIED, min_size=30, max_size=60))
def test_quadlet_gives_back_what_was_quoted(tmp_path: Path, texts: list[str]) -> None:
    """Any list of words on a quadlet's Exec= line is the same list behind Podman's generator and systemd."""
    assert through_quadlet(texts, tmp_path) == texts


def test_quadlet_gives_back_known_trouble(tmp_path: Path) -> None:
    """The generator quotes again for systemd, and nothing is lost on the way."""
    assert through_quadlet(TROUBLE[2:], tmp_path) == TROUBLE[2:]


@pytest.mark.parametrize("text", ["", ";", "a\x80b"])
def test_what_the_generator_drops_is_refused(text: str) -> None:
    """Words that Podman's generator would lose or split at are an error, not a different command."""
    with pytest.raises(BadInput, match="cannot carry"):
        quoting.quadlet(text)


@SLOW
@given(TEXT.filter(lambda text: "\x80" not in text))
def test_variables_keep_their_value(tmp_path: Path, text: str) -> None:
    """In Environment= a dollar stands for itself, unlike in ExecStart=; in a quadlet it ends up in ExecStart=."""
    seen = dump(f"{UNIT}Environment={quoting.unit_value('A=' + text)}\nExecStart=/bin/true\n")
    assert f"\t\tEnvironment: A={text}\n" in seen
    made = quadlet(f"Environment={quoting.quadlet('A=' + text)}\n", tmp_path)
    words = command_line(UNIT + made + "\n")
    assert words[words.index("--env") + 1] == f"A={text}"


@SLOW
@given(TEXT)
def test_paths_and_sentences(text: str) -> None:
    """A path is bound as it is, a description stays one line and swallows no other."""
    unit = f"[Unit]\nDescription={quoting.unit_text(text)}\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n"
    assert command_line(unit) == ["/bin/true"]
    path = "/srv/" + text.replace("/", "")
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", path):
        with pytest.raises(BadInput, match="cannot carry"):
            quoting.unit_path(path)
        return
    if path.split("/")[-1] in ("", ".", ".."):
        return
    seen = dump(f"{UNIT}BindReadOnlyPaths={quoting.unit_path(path)}\nExecStart=/bin/true\n")
    assert f"\t\tBindReadOnlyPaths: {path}:{path}:rbind\n" in seen

"""Any string survives the trip through the real reader of its target language."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
from collections.abc import Callable

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import quoting
from advisor.errors import BadInput

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NASTY = [
    "",
    " ",
    "a b",
    "it's",
    'say "hi"',
    "$HOME ${X:-y} $(id) `id`",
    "a\nb\r\nc\t",
    "\\",
    "-n",
    "--flag=1",
    "~",
    "on",
    "3000:22",
    "null",
    "4.8e12",
    "#x",
    "a: b",
    "- a",
    "{{ x }}",
    "%h",
    "é漢😀",
    "\x85\u2028\ufeff\x7f",
    "|",
    "&amp;<b>",
]


@given(st.lists(TEXT, min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_bash_gives_back_what_was_quoted(texts: list[str]) -> None:
    """Bash's printf must print exactly the strings that were quoted, whatever they hold."""
    assert through_bash(texts) == texts


def test_bash_gives_back_known_trouble() -> None:
    """Strings that have broken scripts before must survive bash."""
    assert through_bash(NASTY) == NASTY


def through_bash(texts: list[str]) -> list[str]:
    """What bash makes of the quoted words."""
    line = "printf '%s\\0' " + quoting.shell_line(tuple(texts))
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@given(TEXT)
def test_yaml_gives_back_what_was_quoted(text: str) -> None:
    """A YAML reader must see this very string, also where it looks like a number, a date or a switch."""
    assert yaml.safe_load(f"key: {quoting.yaml(text)}\nnext: [{quoting.yaml(text)}]") == {
        "key": text,
        "next": [text],
    }


@pytest.mark.parametrize("text", NASTY)
def test_yaml_keeps_known_trouble_text(text: str) -> None:
    """Values that YAML 1.1 turns into something else must stay text."""
    assert yaml.safe_load(quoting.yaml(text)) == text


@given(TEXT)
def test_compose_doubles_every_dollar(text: str) -> None:
    """Behind Compose's own substitution (`$$` → `$`) the string must be the same, with no variable left."""
    read = yaml.safe_load(quoting.compose(text))
    assert re.sub(r"\$\$", "$", read) == text
    assert "$" not in read.replace("$$", "")


@given(TEXT)
def test_html_gives_back_what_was_quoted(text: str) -> None:
    """A reader of HTML must see the text as an attribute, and no markup in it."""

    class Reader(html.parser.HTMLParser):
        seen: list[str | None]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen = [tag, *(found for _, found in attrs)]

    reader = Reader()
    reader.feed(f'<p title="{quoting.html(text)}">')
    assert html.unescape(quoting.html(text)) == text
    assert reader.seen[0] == "p" and len(reader.seen) == 2
    if "\r" not in text:
        assert reader.seen[1] == text


@given(TEXT)
def test_markdown_code_is_one_line_with_a_fence_of_its_own(text: str) -> None:
    """The closing fence must be the first run of that length, and line breaks must be shown, not obeyed."""
    made = quoting.markdown_code(text)
    fence = re.match("`+", made)
    assert fence is not None and "\n" not in made
    runs = re.findall("`+", made[fence.end() :])
    assert runs[-1] == fence.group() and fence.group() not in runs[:-1]


@given(TEXT)
def test_a_comment_stays_one_line(text: str) -> None:
    """A reason put behind `#` must never begin a line of its own."""
    assert len(("x" + quoting.comment(text) + "x").splitlines()) == 1


@given(TEXT)
def test_systemd_words_hold_no_live_specifier_or_variable(text: str) -> None:
    """Behind systemd's own unescaping (%%, $$, bytes as \\x..) the word must be the same."""
    made = quoting.systemd(text)
    assert made[0] == made[-1] == '"' and "\n" not in made
    inner, out, at = made[1:-1], b"", 0
    while at < len(inner):
        if inner[at] == "\\" and inner[at + 1] == "x":
            out, at = out + bytes.fromhex(inner[at + 2 : at + 4]), at + 4
        elif inner[at] in "\\%$":
            out, at = out + inner[at + 1].encode(), at + 2
        else:
            out, at = out + inner[at].encode(), at + 1
    assert out.decode() == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qwen2.5:7b", "qwen2.5:7b"),
        ("/srv/my models/a.gguf", "/srv/my models/a.gguf"),
        (' /begins with a blank"', '""" /begins with a blank""""'),
        ("two\nlines", '"""two\nlines"""'),
        ('"quoted"', '""""quoted""""'),
        ("", '""""""'),
    ],
)
def test_modelfile_values(text: str, expected: str) -> None:
    """Plain where Ollama's parser reads it as it is, else in three quotes (tried with 0.34.2's parser)."""
    assert quoting.modelfile(text) == expected


@pytest.mark.parametrize("text", ['a"""b', "a\x07b", "a\xa0b"])
def test_modelfile_refuses_what_its_parser_would_change(text: str) -> None:
    """What Ollama's parser would drop or end at must be an error, not a wrong path."""
    with pytest.raises(BadInput, match="rename"):
        quoting.modelfile(text)


@pytest.mark.parametrize("quote", [quoting.shell, quoting.yaml, quoting.compose, quoting.systemd, quoting.dockerfile])
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_reader_can_hold_is_refused(quote: Callable[[str], str], text: str) -> None:
    """NUL and halves of surrogate pairs must be an error that says so."""
    with pytest.raises(BadInput, match="cannot carry"):
        quote(text)


def test_dockerfile_values() -> None:
    """An ENV value must keep quotes, backslashes and dollars, and refuse a line break."""
    assert quoting.dockerfile('a "b" \\ $c') == '"a \\"b\\" \\\\ \\$c"'
    with pytest.raises(BadInput, match="line break"):
        quoting.dockerfile("a\nb")


def test_yaml_is_json_where_json_allows() -> None:
    """Every quoted scalar must also be JSON, so that any YAML reader takes it."""
    assert json.loads(quoting.yaml('é "x" \\ \x85')) == 'é "x" \\ \x85'

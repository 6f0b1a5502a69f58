"""One quoting function a target language: strings that come from people pass here and nowhere else."""

from __future__ import annotations

import html as _html
import json
import math
import re
import shlex
from collections.abc import Iterable

from advisor.errors import BadInput

# Characters that a YAML reader takes for line breaks, refuses raw, or drops.
_YAML_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PLAIN = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._:/@+=,-]*")
_PATTERN = re.compile(r"[.+]")  # of plain characters those that mean something else in a pattern
_HTML = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_LINK = re.compile(r"\]([(\[:])")
# A heading, quote, list, rule or fence; and the definition of a link.
_BLOCK = re.compile(r"^[#>|+*=~-](?=[\s#>|+*=~-]|$)|^\[(?=[^\]]*\]\\:)")
_ASCII_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _possible(text: str, language: str) -> str:
    """Refuse what no reader of any of the languages can hold: NUL and halves of surrogate pairs."""
    if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise BadInput(f"{text!r} holds a NUL or half a surrogate pair, which {language} cannot carry")
    return text


def plain(found: float | str) -> str:
    """A number, or a word that no language here reads as anything but itself; in quotes or without."""
    text = str(found)
    number = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    if not (number or (isinstance(found, str) and _PLAIN.fullmatch(text))):
        raise BadInput(f"{ascii(text)[:80]} is no plain word (letters, digits, ._:/@+=,- and no dash at the front)")
    return text


def plain_words(text: str) -> str:
    """Plain words and options, one space between them."""
    for word in text.split(" "):
        plain(word.lstrip("-"))
    return text


def command(text: str) -> str:
    """A command line that this program wrote, its parts quoted already: one line."""
    return _CONTROL.sub(" ", text)


def shell(text: str) -> str:
    """One word of a POSIX shell command line."""
    return shlex.quote(_possible(text, "a command line"))


def powershell(text: str) -> str:
    """One word of PowerShell, for which typographic quotes end a text as plain ones do."""
    return "'" + re.sub("['\u2018\u2019\u201a\u201b]", r"\g<0>\g<0>", _possible(text, "PowerShell")) + "'"


def shell_line(words: list[str] | tuple[str, ...]) -> str:
    """A whole command."""
    return " ".join(shell(word) for word in words)


def yaml(text: str) -> str:
    """A YAML scalar that is always a string: the JSON form, which every YAML reader takes."""
    quoted = json.dumps(_possible(text, "YAML"), ensure_ascii=False)
    return _YAML_ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)


def compose(text: str) -> str:
    """A YAML scalar of a Compose file, where `$` would be taken for a variable."""
    return yaml(text.replace("$", "$$"))


def literal(line: str) -> str:
    """A line of a block scalar of YAML, where Compose and the kubelet alike take `$$` for `$`."""
    return _possible(line, "YAML").replace("$", "$$")


def kubernetes(text: str) -> str:
    """A YAML scalar of a container's args, command or env, where the kubelet expands `$(NAME)` and `$$`."""
    return yaml(text.replace("$", "$$"))


def systemd(text: str) -> str:
    """One word of ExecStart= in a unit: `%` and `$` would be expanded."""
    return unit_value(text).replace("$", "$$")


def unit_value(text: str) -> str:
    """One word of Environment= and its like in a unit: `%` would be expanded, `$` stands for itself there."""
    escaped = _possible(text, "a unit file").replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    # Bytes beyond ASCII stay as they are: Podman's generator takes \xc3 for a letter, not for half of one.
    return '"' + _ASCII_CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", escaped) + '"'


def unit_path(text: str) -> str:
    """A path of a unit's BindReadOnlyPaths=, where a backslash only protects the next character."""
    if _CONTROL.search(_possible(text, "a unit file")):
        raise BadInput(f"{text!r} holds a control character, which a path in a unit file cannot carry")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def unit_text(text: str) -> str:
    """A sentence of a unit (Description=): one line, which a backslash at its end would continue."""
    line = comment(text).replace("%", "%%").strip()
    return line + "." if line.endswith("\\") else line


def quadlet(text: str) -> str:
    """One word of Exec= or Environment= in a quadlet, whose generator puts it into ExecStart=.

    Tried with Podman 5.4.2's generator: an empty word ends its list, `;` alone ends the command, and it
    mistakes U+0080.
    """
    if text in ("", ";") or "\x80" in text:
        raise BadInput(f"{text!r} is a word that Podman's quadlet generator cannot carry")
    return systemd(text)


def dockerfile(text: str) -> str:
    """The value of an ENV line: double quotes, with `$`, quotes and the escape character escaped."""
    if "\n" in text or "\r" in text:
        raise BadInput(f"{text!r} holds a line break, which a Dockerfile's ENV cannot carry")
    escaped = re.sub(r'([\\"$])', r"\\\1", _possible(text, "a Dockerfile"))
    return f'"{escaped}"'


def modelfile(text: str) -> str:
    """The argument of a Modelfile instruction: as it is, or in three quotes.

    Its parser drops what is not printable, and ends an unquoted value at the line break.
    """
    if '"""' in text or any(not (letter.isprintable() or letter in "\n\t") for letter in text):
        raise BadInput(f"{text!r} holds characters that a Modelfile cannot carry; rename the file")
    plain = text and text == text.strip() and "\n" not in text and not text.startswith('"')
    return text if plain else f'"""{text}"""'


def html(text: str) -> str:
    """Text or a quoted attribute of an HTML page."""
    return _html.escape(text, quote=True)


def prose(text: str) -> str:
    """A sentence of a Markdown page: one line, in which no HTML, entity, link or image takes effect.

    Only what would take effect is escaped: most sentences look in the file as they look on the page.
    """
    line = _HTML.sub(lambda found: "&lt;" if found.group() == "<" else "&amp;", comment(text))
    return _BLOCK.sub(r"\\\g<0>", _LINK.sub(r"]\\\1", line))


def cell(text: str) -> str:
    """A sentence in a cell of a Markdown table."""
    return prose(text).replace("|", "\\|")


def markdown_code(text: str) -> str:
    """Inline code: a fence longer than any run of backticks inside; control characters shown, not obeyed."""
    shown = _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown[:1] in ("`", " ") or shown[-1:] in ("`", " ") or not shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def markdown_block(text: str, language: str) -> str:
    """A block of code, lines and all, behind a fence longer than any run of backticks inside."""
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def comment(text: str) -> str:
    """Text behind `#`: one line, whatever it held."""
    return _CONTROL.sub(" ", text)


def caddy_comment(text: str) -> str:
    """Text behind `#` in a Caddyfile, where `{$NAME}` is replaced even inside a comment."""
    return comment(text).replace("{$", "{ $")


def caddy_model(names: Iterable[str]) -> str:
    """An expression of Caddy's: a regular expression for a body of JSON that asks for a model of one of these names.

    A quote inside a text of the body is written with a backslash before it, so that only a key is taken for one.
    """
    words = "|".join(_PATTERN.sub(r"[\g<0>]", plain(name)).replace("/", r"\\?/") for name in names)
    return f"""r'"model"\\s*:\\s*"(?:{words})"'"""


def caddy_list(names: Iterable[str]) -> str:
    """What `GET /v1/models` answers, as JSON between backticks of a Caddyfile."""
    data = [{"id": plain(name), "object": "model", "created": 0, "owned_by": "advisor"} for name in names]
    return json.dumps({"object": "list", "data": data})


def json_text(text: str) -> str:
    """A JSON string, in letters that every reader takes."""
    return json.dumps(_possible(text, "JSON"))


def alert(text: str) -> str:
    """A YAML scalar of an alert's label or annotation, which Prometheus reads as a Go template."""
    return yaml(text.replace("{{", '{{"{{"}}'))


def dns_label(text: str) -> str:
    """A name for containers, units and pods: lower-case letters, digits and dashes, 40 characters at most."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-") or "model"

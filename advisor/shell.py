"""Pieces of shell that several lines of the checklist share."""

from __future__ import annotations


def from_env(name: str, file: str = ".env") -> str:
    """The value of a variable in a file, read and not executed: what stands there may be anything."""
    return f"$(sed -n 's/^{name}=//p' {file} 2>/dev/null | tail -n 1 | tr -d \"\\\"'\")"


def path_from_env(name: str, file: str = ".env") -> str:
    """The same for a path: no program takes it for an option, whatever it begins with."""
    return f'$(sed -n "s/^{name}=[\\"\'-]*//p" {file} 2>/dev/null | tail -n 1 | tr -d "\\"\'")'


def bearer(variable: str) -> str:
    """curl's option for a key in a variable, so that the key does not stand in the process list."""
    return f'-K <(printf \'header = "Authorization: Bearer %s"\' "${{{variable}:-}}")'


def at_least(query: str, least: str) -> str:
    """Print what the query says; succeed when it is that version or a later one."""
    return f'found=$({query}) && echo "$found" && printf \'%s\\n\' {least} "$found" | sort -V -C'


def no_less(query: str, least: int) -> str:
    """Print a whole number; succeed when it is large enough."""
    return f'found=$({query}) && echo "$found" && [ "$found" -ge {least} ]'


def stop_if_busy(port: int | str) -> str:
    """Say so and fail when something listens on the port of this machine: a number, or a shell word."""
    return f"if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then echo busy; exit 1; fi"


def installed_version(program: str, packages: tuple[str, ...]) -> str:
    """Print the version of a program on PATH: of the package in its environment, else what it says in 20 seconds.

    A package is read first because some programs take long to start only to tell their version.
    """
    patience = "$(command -v timeout >/dev/null && echo timeout 20)"
    number = "grep -oE '[0-9]+([.][0-9]+)+[A-Za-z0-9.+_-]*' | tail -n 1"
    said = f"{patience} {program} --version 2>&1 </dev/null | {number}"
    if not packages:
        return said
    folders = " ".join(f'"$home"/lib*/python3*/*-packages/{name.replace("-", "_")}-*.dist-info' for name in packages)
    each = '{ [ ! -d "$info" ] || basename "$info" .dist-info | cut -d- -f2; }'
    listed = f"for info in {folders}; do {each}; done | head -n 1"
    home = f'home=$(dirname "$(dirname "$(readlink -f "$(command -v {program})")")")'
    return f'{home}; told=$({listed}); [ -n "$told" ] || told=$({said}); echo "$told"'


def sortable(version: str) -> str:
    """A version in a shell variable, without its build, and what came before a release sorts before it."""
    return f'"$(printf %s "{version}" | sed -E \'s/[+].*//; s/[.-]?(dev|rc|a|b)([0-9])/~\\1\\2/\')"'

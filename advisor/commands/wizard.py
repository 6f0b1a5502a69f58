"""`advisor` alone, on a terminal: the four questions that matter, the answer, and the command that asks the same."""

from __future__ import annotations

from collections.abc import Callable

import click

Asked = list[str]  # options as they are typed
_COMMAND = ["advisor", "recommend"]
_HERE, _BEST = "this one", "the best that fits"  # need no option


def run() -> int:
    """Ask, answer and say what was asked; the exit code is that of `advisor recommend`."""
    from advisor.commands.failing import quoted
    from advisor.commands.recommend import command
    from advisor.errors import EXIT_YES

    click.echo("Four questions; Enter takes what stands in brackets, Ctrl-C ends.\n")
    people = _asked("Who? People who use it in the same hour", "1", _people)
    purpose = _asked(f"What for? {', '.join(_purposes())}", _usual(people), _purpose)
    machine = _asked('Which machine? Cards such as "2x RTX 4090"', _HERE, _machine)
    model = _asked("Which model?", _BEST, _model)
    options = [*people, *purpose, *machine, *model]
    click.echo("")
    code: int = command.main(
        [*options, "--dry-run"], prog_name="advisor recommend", standalone_mode=False, obj="the command below"
    )
    also = ", which also writes the files" if code == EXIT_YES else ""
    click.echo(f"\nThe same as a command{also}:\n  {' '.join(map(quoted, _COMMAND + options))}")
    return code


def _asked(question: str, usual: str, read: Callable[[str], Asked]) -> Asked:
    """The options of an answer; asked again where it is refused."""
    from advisor.commands.failing import say
    from advisor.errors import BadInput

    while True:
        try:
            text: str = click.prompt(question, default=usual).strip()
        except click.Abort:
            click.echo("")  # behind what was begun to be typed
            raise
        try:
            return read(text)
        except BadInput as refused:
            say(refused, argv=[text])


def _people(text: str) -> Asked:
    from advisor.workload.keys import OF_WORKLOAD

    return ["--users", str(OF_WORKLOAD["users"].read(text, name="people"))]


def _purposes() -> tuple[str, ...]:
    from advisor.workload.profiles import profile_names

    return tuple(profile_names())


def _usual(people: Asked) -> str:
    return "desktop" if people[-1] == "1" else "chat"


def _purpose(text: str) -> Asked:
    from advisor.workload.profiles import find_profile

    find_profile(text)
    return ["--profile", text]


def _machine(text: str) -> Asked:
    if text == _HERE:
        return []
    from advisor.probe.simulate import simulate

    simulate(text)
    return ["--gpu", text]


def _model(text: str) -> Asked:
    if text == _BEST:
        return []
    from advisor.models.names import find_model_and_format

    find_model_and_format(text, offline=False)
    return ["--model", text]

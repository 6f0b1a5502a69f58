"""What a person is told who slips: the nearest name first, one fact a line, at last what to type."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import cli
from advisor.commands.failing import told
from advisor.errors import AdvisorError
from advisor.workload.meant import meant

ROOT = Path(__file__).parents[1]
PLAN = "tests/golden/one-person-rtx-4090/out"
SIZE = "size --users 5 --model Qwen/Qwen3-8B"
# What is typed, what the first line says, and what is typed then.
SLIPS = [
    # commands
    ("recommned", "did you mean recommend?", "advisor recommend"),
    ("chekc", "did you mean check?", "advisor check"),
    ("help", "there is no command 'help'", "advisor --help"),
    ("catalog gpu", "did you mean gpus?", "advisor catalog gpus"),
    ("catalog model", "did you mean models?", "advisor catalog models"),
    ("catalog", "needs one of its commands: cpus, engines", "advisor catalog --help"),
    ("plan dif", "did you mean diff?", "advisor plan diff"),
    ("measurements lst", "did you mean list?", "advisor measurements list"),
    # options, and words without one
    ("recommend --user 5", "did you mean --users?", "--users 5"),
    ("recommend --usrs=5", "did you mean --users?", "--users 5"),
    ("recommend -u 5", "did you mean --users?", "--users 5"),
    ("catalog gpus --serach 4090", "did you mean --search?", "--search 4090"),
    ("ui --prot 80", "did you mean --port?", "--port 80"),
    ("--users 5", "did you mean advisor recommend?", "advisor recommend --users 5"),
    ("recommend --budget ten", "there is no option --budget of advisor recommend", "advisor size --help"),
    ("doctor --json", "there is no option --json of advisor doctor", "advisor doctor --help"),
    ("recommend --users", "--users needs a value (N): People who use", "advisor recommend --help"),
    ("recommend 50", "did you mean --users 50?", "--users 50"),
    ("recommend 'RTX 4090'", 'did you mean --gpu "RTX 4090"?', '--gpu "RTX 4090"'),
    ("recommend qwen3:8b", "did you mean --model qwen3:8b?", "--model qwen3:8b"),
    ("recommend --gpu RTX 4090 --users 5", 'did you mean --gpu "RTX 4090"?', '--gpu "RTX 4090"'),
    ("recommend --users 5 --gpu 2x RTX 4090", 'did you mean --gpu "2x RTX 4090"?', '--gpu "2x RTX 4090"'),
    ("recommend --gpu=M4 Max 64GB", 'did you mean --gpu "M4 Max 64GB"?', '--gpu "M4 Max 64GB"'),
    ("catalog gpus 4090", "did you mean --search 4090?", "--search 4090"),
    ("doctor extra", "takes no 'extra'", "advisor doctor --help"),
    ("check", "needs DIR", "advisor check --help"),
    ("predict", "needs --requests", "advisor predict --help"),
    ("compare", "two or more are needed", "advisor compare L40S H100"),
    # numbers, shares, lengths of time, sizes, rates, money
    ("recommend --users 0", "did you mean 1?", "--users 1"),
    ("recommend --users -5", "did you mean 1?", "--users 1"),
    ("recommend --users fifty", "did you mean 50?", "--users 50"),
    ("recommend --users 1k", "did you mean 1000?", "--users 1000"),
    ("recommend --users 1.5", "did you mean 2?", "--users 2"),
    ("recommend --users 99999999999", "did you mean 1000000?", "--users 1000000"),
    ("recommend --users abc", "is not a whole number from 1 to 1,000,000", "--users 10"),
    ("recommend --input-tokens 1e9", "did you mean 10000000?", "--input-tokens 10000000"),
    ("recommend --tpot-ms 0.1s", "did you mean 100?", "--tpot-ms 100"),
    ("recommend --think-time-s 1h", "did you mean 3600?", "--think-time-s 3600"),
    ("recommend --active-fraction 20%", "did you mean 0.2?", "--active-fraction 0.2"),
    ("recommend --active-fraction 5", "did you mean 0.05?", "--active-fraction 0.05"),
    ("recommend --active-fraction half", "did you mean 0.5?", "--active-fraction 0.5"),
    ("recommend --nodes 0", "did you mean 1?", "--nodes 1"),
    ("recommend --reserve '4 gigs'", "did you mean 4GiB?", "--reserve 4GiB"),
    ("recommend --reserve 90000TiB", "is not a size such as 4GiB", "--reserve 4GiB"),
    ("recommend --download-rate fast", "is not a rate such as", '--download-rate "100 Mbit/s"'),
    ("recommend --node-link 100", "is not a network with its speed", "--node-link 100GbE"),
    ("watch http://127.0.0.1:1 --every 2minutes", "did you mean 2m?", "--every 2m"),
    ("watch http://127.0.0.1:1 --for ten", "is no length of time", "--for 90s"),
    (f"tune {PLAN} --budget 1", "did you mean 20s?", "--budget 20s"),
    ("probe --measure --budget 2hours", "did you mean 1h?", "--budget 1h"),
    (f"smoke {PLAN} --seconds 0", "did you mean 1?", "--seconds 1"),
    ("ui --port 99999", "did you mean 65535?", "--port 65535"),
    (f"{SIZE} --pick 9", "did you mean 4?", "--pick 4"),
    (f"{SIZE} --pue 0.5", "did you mean 1?", "--pue 1"),
    (f"{SIZE} --resale 20%", "did you mean 0.2?", "--resale 0.2"),
    (f"{SIZE} --ops-hours 25", "did you mean 24?", "--ops-hours 24"),
    (f"{SIZE} --budget ten", "did you mean 10?", "--budget 10"),
    (f"{SIZE} --budget 3000/year", "did you mean 250/month?", "--budget 250/month"),
    (f"{SIZE} --budget 0.9/h", "is for an hour", "--budget 500EUR/month"),
    (f"{SIZE} --budget 10XYZ", "there is no rate for 'XYZ'", "--budget 10USD"),
    (f"{SIZE} --kwh 30ct", "did you mean 0.3EUR?", "--kwh 0.3EUR"),
    (f"{SIZE} --currency EURO", "did you mean EUR?", "--currency EUR"),
    (f"{SIZE} --exchange x", "is no rate", "--exchange USD=1.16"),
    (f"{SIZE} --price L40S=cheap", "is no amount of money", "--price L40S=0.9/h"),
    (f"{SIZE} --tokens-a-month lots", "is no number of tokens", "--tokens-a-month 500M"),
    # cards
    ("recommend --gpu RTX-4900", "did you mean NVIDIA GeForce RTX 4090?", '--gpu "NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu RTX4900", "did you mean NVIDIA GeForce RTX 4090?", '--gpu "NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu '2x RTX 4900'", "did you mean NVIDIA GeForce RTX 4090?", '--gpu "2x NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu '2x A100 + RTX 4090'", "comes with 40 or 80 GB", '--gpu "2x NVIDIA A100 SXM4 80GB + RTX 4090"'),
    ("recommend --gpu H1OO", "which is it: NVIDIA H100 SXM5 80GB", '--gpu "NVIDIA H100 SXM5 80GB"'),
    ("recommend --gpu GTX1O80", "which is it: NVIDIA GeForce GTX 1080,", '--gpu "NVIDIA GeForce GTX 1080"'),
    ("recommend --gpu 4x", "which is it: NVIDIA GeForce RTX 4090,", '--gpu "4x NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu '8 x'", "which is it: NVIDIA GeForce RTX 4090,", '--gpu "8x NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu 24GB", "which is it: NVIDIA GeForce RTX 4090,", '--gpu "NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu Radeon", "which is it: AMD Radeon RX 7900 XTX,", '--gpu "AMD Radeon RX 7900 XTX"'),
    ("recommend --gpu 'M3 Max'", "comes with 36 or", '--gpu "Apple M3 Max (40-core GPU) 128GB"'),
    ("recommend --gpu 'RTX 4090 25GB'", "is not sold with 25 GB", '--gpu "NVIDIA GeForce RTX 4090"'),
    ("recommend --gpu ''", "no card is named", '--gpu "2x RTX 4090"'),
    ("recommend --gpu '0x RTX 4090'", "0 is no number of cards", '--gpu "1x RTX 4090"'),
    ("recommend --gpu '1000x L4'", "1000 is no number of cards", '--gpu "128x L4"'),
    ("recommend --gpu '4x RTX 3090 at 5 W'", "accepted is from 88 to 525 W", '--gpu "4x RTX 3090 at 88 W"'),
    (f"{SIZE} --can-get 'L4, RTX 4900'", "did you mean NVIDIA", '--can-get "L4, NVIDIA GeForce RTX 4090"'),
    (f"{SIZE} --have 'L4,'", "has an empty name", "--have L4"),
    # models, profiles, formats, engines, parts, ids
    ("recommend --model qwen3-8", "did you mean Qwen/Qwen3-8B?", "--model Qwen/Qwen3-8B"),
    ("recommend --model mistrall", "did you mean mistralai/Mistral-7B-v0.1?", "--model mistralai/Mistral-7B-v0.1"),
    ("recommend --model gpt-4o-mini", "nobody can download its weights", "--model gpt-oss:20b"),
    ("recommend --model gemini-2.5-pro", "nobody can download its weights", "--model gemma4:12b"),
    ("recommend --with bge", "did you mean BAAI/bge-m3?", "--with BAAI/bge-m3"),
    ("recommend --profile chatt", "did you mean chat?", "--profile chat"),
    ("recommend --task chatt", "did you mean chat?", "--task chat"),
    ("recommend --quantization awqq", "did you mean awq-int4?", "--quantization awq-int4"),
    ("recommend --engine olama", "did you mean ollama?", "--engine ollama"),
    ("recommend --engine tgi", "is not one of auto, ollama, vllm, both", "--engine auto"),
    ("recommend --engine-version vlm=0.19.0", "did you mean vllm=0.19.0?", "--engine-version vllm=0.19.0"),
    ("recommend --parts systemd,gatway", "did you mean systemd,gateway?", "--parts systemd,gateway"),
    ("recommend --run k8s", "did you mean kubernetes?", "--run kubernetes"),
    ("recommend --host http://x.y", "is not the name of a host", "--host llm.example.org"),
    ("probe --measure --engine olama", "did you mean ollama?", "--engine ollama"),
    ("compare vllm olama", "did you mean ollama?", "advisor compare vllm ollama"),
    ("compare awq vllm", "did you mean awq-int4?", "advisor compare awq-int4 vllm"),
    ("catalog schema plans", "did you mean plan?", "advisor catalog schema plan"),
    ("explain ttft", "did you mean ttft_s?", "advisor explain ttft_s"),
    ("explain FIT1O1", "did you mean FIT101?", "advisor explain FIT101"),
    ("explain FIT", "did you mean FIT101?", "advisor explain FIT101"),
    ("explain --max-num-seq", "did you mean --max-num-seqs?", "advisor explain --max-num-seqs"),
    # files and folders
    ("smoke README.md", "DIR: README.md is a file; a folder is needed", "advisor smoke --help"),
    (f"check {PLAN}/plan.json", f"did you mean {PLAN}?", f"advisor check {PLAN}"),
    (f"render {PLAN}", f"did you mean {PLAN}/plan.json?", f"advisor render {PLAN}/plan.json"),
    ("report pyproject.toml", "is TOML, not a plan", "advisor recommend --out deploy"),
    ("report README.md", "is Markdown, not a plan", "advisor recommend --out deploy"),
    ("report tests/hardware/t4.json", "is a recorded machine, not a plan", "advisor recommend --out deploy"),
    ("render profiles/chat.yaml", "is a workload profile, not a plan", "advisor recommend --out deploy"),
    ("check tests", "has no plan.json", "advisor recommend --out tests"),
    ("tune nowhere", "there is no such folder", "advisor recommend --out nowhere"),
    ("recommend --hardware README.md", "is Markdown, not a recorded machine", "advisor probe --out hw.json"),
    (f"recommend --hardware {PLAN}/plan.json", "is a plan, not a recorded machine", "advisor probe --out hw.json"),
    ("recommend --hardware tests/hardware/t5.json", "did you mean tests/", "--hardware tests/hardware/t4.json"),
    ("recommend --hardware tests", "is a folder; a file is needed", "advisor recommend --help"),
    ("recommend --profile README.md", "is Markdown", "advisor workload requests.jsonl --out profile.yaml"),
    ("recommend --measurements README.md", "is Markdown", "advisor measurements list --json"),
    ("recommend --from-log README.md", "is Markdown, not a log of requests", "advisor workload --help"),
    ("predict --requests nowhere.csv", "there is no such file", "advisor predict --help"),
    ("evaluate README.md", "is Markdown, not a table", "advisor predict --help"),
    ("migrate http://", "is no address of a server", "advisor migrate --help"),
    # two that contradict
    ("recommend --gpu T4 --hardware hw.json --users 2", "exclude each other", "advisor recommend --gpu T4 --users 2"),
    ("recommend --staff 50 --users 10", "exclude each other", "advisor recommend --staff 50"),
    ("recommend --no-exposed --host a.b", "exclude each other", "advisor recommend --host a.b"),
    ("recommend --context-tokens 100 --input-tokens 1000", "100 is below", "--context-tokens 1400"),
    ("recommend --burst-users 9 --users 2", "9 is more than users 2", "--users 9"),
    ("probe --budget 60s", "give --measure as well", "advisor probe"),
    ("watch deploy --lines --json", "exclude each other", "advisor watch deploy --lines"),
    (f"{SIZE} --gpu L4 --can-get T4", "exclude each other", f"advisor {SIZE} --can-get T4"),
]  # fmt: skip


def refused(typed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that are said to a command line which ends with exit code 2."""
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as left:
        cli.main(shlex.split(typed))
    said = capsys.readouterr()
    assert left.value.code == 2 and said.out == "", said
    return said.err.splitlines()


@pytest.mark.parametrize(("typed", "first", "then"), SLIPS, ids=lambda text: text[:40])
def test_a_slip_gets_the_nearest_name_and_what_to_type(
    typed: str, first: str, then: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2; the first line names what was typed and the nearest; a fact a line; the last says what to type."""
    lines = refused(typed, capsys, monkeypatch)
    assert lines[0].startswith("advisor: ") and first in lines[0]
    assert all(line.startswith("  ") for line in lines[1:])
    assert lines[-1] == f"  type: {then}"
    assert sum("type: " in line for line in lines) == 1


@pytest.mark.parametrize("typed", [typed for typed, *_ in SLIPS])
def test_what_is_to_be_typed_is_accepted(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is proposed exists with its options, and the value of an option is one that it takes."""
    monkeypatch.chdir(ROOT)
    words = shlex.split(typed)
    proposed = shlex.split(told(error_of(words), cli.app, words)[-1].partition("type: ")[2])
    if proposed[0] != "advisor":
        command = [word for word in words if not word.startswith("-")][:1]
        proposed = ["advisor", *command, *(["gpus"] if command == ["catalog"] else []), *proposed]
    parse(proposed[1:])


def error_of(words: list[str]) -> Exception:
    """What the command line ends with."""
    with pytest.raises((AdvisorError, click.ClickException)) as refused:
        cli.app.main(args=words, prog_name="advisor", standalone_mode=False)
    return refused.value


def parse(words: list[str]) -> None:
    """Read the words as their command does, and do no more; what is missing beside them was there before."""
    command: click.Command = cli.app
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command, words = found, words[1:]
    try:
        command.make_context("advisor", words)
    except (click.exceptions.Exit, click.MissingParameter):
        return


@pytest.mark.parametrize("columns", (60, 80, 100))
def test_a_message_fits_the_terminal_and_cuts_no_word(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each width the words are those of the message, and no line is wider unless one word alone is."""
    monkeypatch.chdir(ROOT)
    for typed, *_ in SLIPS:
        words = shlex.split(typed)
        error = error_of(words)
        lines = told(error, cli.app, words, columns)
        assert " ".join(" ".join(lines).split()) == " ".join(" ".join(told(error, cli.app, words)).split())
        assert all(len(line) <= columns or len(line.split()) <= 2 for line in lines), lines


def test_every_value_of_an_option_is_refused_in_our_words() -> None:
    """No option or argument leaves the message to click: its own types know no nearest name and no example."""
    plain = {"TextParameterType", "StringParamType", "UnprocessedParamType", "BoolParamType"}

    def types(command: click.Command) -> set[str]:
        inside: dict[str, click.Command] = getattr(command, "commands", {})
        own = {type(param.type).__name__ for param in command.params if type(param.type).__module__ == "click.types"}
        return own.union(*(types(each) for each in inside.values()))

    for name in cli.COMMANDS:
        command = cli.app.get_command(click.Context(cli.app), name)
        assert command is not None
        assert types(command) <= plain, name


@pytest.mark.parametrize(
    ("text", "unit", "digits"),
    [
        ("fifty", "", "50"),
        ("twenty-five", "", "25"),
        ("two hundred and six", "", "206"),
        ("a dozen", "", None),
        ("1,000", "", "1000"),
        ("2.5k", "", "2500"),
        ("5O", "", "50"),
        ("50 people", "", "50"),
        ("2s", "milliseconds", "2000"),
        ("1 min", "seconds", "60"),
        ("a quarter", "", "0.25"),
        ("1e3", "", "1000"),
        ("many", "", None),
    ],
)
def test_the_number_that_was_meant(text: str, unit: str, digits: str | None) -> None:
    """Words, suffixes, separators, letters for digits and other units of time are understood; what says nothing is not."""
    assert meant(text, unit) == digits


@given(st.text(max_size=80))
def test_no_text_breaks_the_guess(text: str) -> None:
    """Whatever is typed, the guess is digits or none."""
    found = meant(text)
    assert found is None or float(found) == float(found)


def test_a_repository_may_hold_the_name_of_a_closed_model() -> None:
    """Somebody's model that was taught by a closed one is not refused for its name."""
    from advisor.models.elsewhere import refuse_closed

    for name in ("somebody/gpt-4-distilled", "gpt-oss:20b", "Qwen3-8B-Claude-Distill", "gpt4all-j"):
        refuse_closed(name)

"""`advisor workload FILE`: a profile from a log of requests."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("workload")
@click.argument("log", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the profile is written.")
@click.option("--force", is_flag=True, help="Replace a file that is there (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document on standard output.")
def command(log: Path, out: Path | None, force: bool, as_json: bool) -> int:
    """A profile from a log of requests, with what was seen and what was assumed; no text of a prompt is kept.

    FILE holds a JSON object a line: timestamp, prompt_tokens, completion_tokens (also under usage), duration_s.

    \b
    Examples:
      advisor workload requests.jsonl
      advisor workload requests.jsonl --out profile.yaml
      advisor size --profile profile.yaml --model Qwen/Qwen2.5-7B-Instruct

    \b
    Exit codes: 0 made, 2 a file that cannot be used, 3 it cannot be written.
    """
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json
    from advisor.workload.log import read_log
    from advisor.workload.observed import observed, profile_text

    found = observed(read_log(log))
    text = profile_text(found, log.name)
    if out is not None:
        write_atomically(out, text, overwrite=force)
    if as_json:
        click.echo(to_json(found), nl=False)
    elif out is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"written to {out}; next: advisor size --profile {out} --model ...")
    return 0

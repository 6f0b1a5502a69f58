"""`advisor workload FILE`: a profile from a log of requests or from metrics."""

from __future__ import annotations

from pathlib import Path

import click

from advisor.commands.completing import Place
from advisor.commands.options import KeyType
from advisor.workload.keys import PROFILE


@click.command("workload")
@click.argument("source", metavar="FILE|URL")
@click.option("--profile", type=KeyType(PROFILE), help="Where what was not seen comes from [default: by the load].")
@click.option("--out", type=Place(path_type=Path, dir_okay=False), help="Where the profile is written.")
@click.option("--force", is_flag=True, help="Replace a file that is there (a backup is kept).")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document on standard output.")
def command(source: str, profile: str | None, out: Path | None, force: bool, as_json: bool) -> int:
    """A profile from a log or from metrics, with what was seen and what was assumed; no text of a prompt is kept.

    A log holds a JSON object a line, or is one list of them: timestamp, prompt_tokens, completion_tokens (also under
    usage), duration_s; or it is the access log of our gateway, which counts no tokens. Either may be packed by gzip.
    Metrics are a saved page, the address of a server's own
    (http://127.0.0.1:8000/metrics), or that of a Prometheus, of which the last day counts.

    \b
    Examples:
      advisor workload requests.jsonl
      advisor workload requests.jsonl --out profile.yaml
      advisor workload http://127.0.0.1:8000/metrics --out profile.yaml
      advisor size --profile profile.yaml --model Qwen/Qwen2.5-7B-Instruct

    \b
    Exit codes: 0 made, 2 a file that cannot be used, 3 the server does not answer, or the profile cannot be written.
    """
    from advisor.commands.progress import patient
    from advisor.edge.reading import not_itself
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json
    from advisor.workload.seen.given import of_file, of_metrics
    from advisor.workload.seen.profile import profile_text

    address = "://" in source
    with patient() as progress:
        progress(f"reading {source}")
        found = of_metrics(source) if address else of_file(Path(source), progress)
    text = profile_text(found, source if address else Path(source).name, profile)
    if out is not None:
        not_itself(Path(source), out, "--out")
        write_atomically(out, text, overwrite=force)
    if as_json:
        click.echo(to_json(found), nl=False)
    elif out is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"written to {out}; next: advisor size --profile {out} --model ...")
    return 0

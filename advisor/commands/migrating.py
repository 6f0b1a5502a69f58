"""What `migrate` does between its options and its answer, and the answer for a terminal."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.commands.progress import patient
from advisor.edge.times import duration
from advisor.errors import BadInput
from advisor.migrate.found import found_models, left_there
from advisor.migrate.load import Load, watched
from advisor.migrate.mapping import map_model
from advisor.migrate.moved import Wish, lost, side_by_side
from advisor.migrate.planning import planned
from advisor.migrate.site import Site
from advisor.migrate.stack import stack_files
from advisor.migrate.ways import usual_way, way_of
from advisor.pipeline import find_hardware
from advisor.schema import RenderedFile
from advisor.watch.server import find_server, other_engine, reader_of

if TYPE_CHECKING:
    from rich.text import Text

USUAL_URL = "http://127.0.0.1:11434"
_LOAD = ("users", "staff", "concurrency", "request_rate", "burst_users")
_OURS = ("model", "engine", "parts", "exposed", "host")  # what the stack itself decides


def migrated(url: str | None, out: Path, options: dict[str, Any]) -> tuple[Site, tuple[RenderedFile, ...]]:
    """What is there, what becomes of it, and the files of the stack.

    Raises:
        BadInput: options that cannot be used.
        EnvironmentFailed: nobody answers at the address.
    """
    target, only, pairs, watch_for, gpu, hardware, measurements, profile = (
        options.pop(name)
        for name in ("target", "only", "pairs", "watch_for", "gpu", "hardware", "measurements", "profile")
    )
    _refuse(options)
    options["run"] = way_of(options.get("run"))
    given = _pairs(pairs)
    seconds = duration(watch_for, "--watch") if watch_for else None
    server = find_server(url or USUAL_URL)
    target = target or other_engine(server.engine)
    if target == server.engine:
        raise BadInput(f"--to {target}: that is what answers at {server.base} already")
    with patient() as progress:
        progress(f"reading {server.base}")
        found = found_models(server, only)
        others, staying_bytes = left_there(server, found)
        _known(given, [name for each in found for name in each.names])
        load = watched(reader_of(server), seconds, progress) if seconds else None
        machine = find_hardware(gpu, hardware)
        options["run"] = options["run"] or ("compose" if machine.source != "probed" else usual_way(target))
        overrides = options | _seen(load, options)
        mapped = [map_model(each, given, offline=bool(options.get("offline"))) for each in found]
        wish = Wish(
            target=target, source=server.engine, overrides=overrides, profile=profile, machine=machine, out=out,
            taken=_port_of(server.base), measurements=measurements, staying_bytes=staying_bytes,
        )  # fmt: skip
        moved = planned(mapped, wish, progress)
    date = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    site = Site(server=server, target=target, moved=moved, machine=machine, load=load, date=date, others=others)
    return site, stack_files(site)


def _refuse(options: dict[str, Any]) -> None:
    """Options that would say again what the stack decides."""
    for name in _OURS:
        if options.get(name) is not None:
            instead = (
                "--only and --map say which models" if name == "model" else "the stack has a gateway of its own (.env)"
            )
            raise BadInput(f"--{name.replace('_', '-')} is not for migrate: {instead}")


def _pairs(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, model = pair.partition("=")
        if not (name.strip() and equals and model.strip()):
            raise BadInput(f"--map {pair}: expected NAME=MODEL, such as my-model=Qwen/Qwen2.5-7B-Instruct")
        found[name.strip()] = model.strip()
    return found


def _known(given: dict[str, str], names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            raise BadInput(f"--map {name}=...: the server has no such model; it has {', '.join(names)}")


def _seen(load: Load | None, options: dict[str, Any]) -> dict[str, Any]:
    """The watched load, where the options do not say another one."""
    if load is None:
        return {}
    said = any(options.get(name) is not None for name in _LOAD)
    return {
        key: item
        for key, item in load.overrides.items()
        if options.get(key) is None and not (said and key == "concurrency")
    }


def _port_of(base: str) -> tuple[int, ...]:
    port = base.rpartition(":")[2]
    return (int(port),) if port.isdecimal() else ()


def written(out: Path, files: Sequence[RenderedFile], force: bool) -> None:
    """Write the folder.

    Raises:
        BadInput: a person's file is in the way, or an engine of a model's folder runs.
        EnvironmentFailed: it cannot be written.
    """
    from advisor.folder.started import refuse_while_running
    from advisor.folder.write import write_tree

    for folder in sorted({str(Path(file.path).parent) for file in files if file.path.endswith("plan.json")}):
        refuse_while_running(out / folder)
    write_tree(out, files, overwrite=force)


def lines(site: Site, out: Path | None) -> Iterator[Text]:
    """The answer for a person: yes or no, a row a model, what is lost, and what comes next."""
    from rich.text import Text

    from advisor.report.layout import columns, paragraph
    from advisor.report.screen import screen

    width = screen().columns
    going = [each for each in site.moved if each.plan is not None]
    head = f"{site.source_title} {site.server.version} at {site.server.base} → {site.target_title}"
    yield from paragraph(
        f"{'YES' if site.meets else 'NO'}: {head}: {len(going)} of {len(site.moved)} models have a plan",
        width,
        style="bold",
    )
    yield Text()
    rows = [(each.name, each.plan.launch.model_ref if each.plan else "stays", each.because) for each in site.moved]
    yield from columns(rows, width, indent=2)
    for each in site.moved:
        if each.plan is not None and each.answer is not None and not each.answer.verdict.meets_targets:
            yield from paragraph(f"{each.name}: {each.answer.verdict.summary}", width, indent=2, style="yellow")
    yield Text()
    yield from paragraph(f"Load: {site.load_told}", width)
    yield from paragraph(f"Room: {side_by_side(site.moved, site.machine)}", width)
    if site.doubts:
        yield Text("\nLook at these first", style="bold")
        yield from columns(list(site.doubts), width, indent=2)
    told = [(name, row.what, row.becomes) for name, row in lost(site.moved)]
    if told:
        yield Text("\nNot carried over", style="bold")
        yield from columns(told, width, indent=2)
    if going and site.differences:
        yield Text("\nWhat clients notice", style="bold")
        yield from columns([(row["id"], row["after"]) for row in site.differences], width, indent=2)
    if out is not None and going:
        yield Text(f"\nThe steps, a check after each, and the way back: {out}/MIGRATION.md", style="bold")

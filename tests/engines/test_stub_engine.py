"""A third engine that satisfies the Protocol lives a whole life: nothing outside `engines/` has to know of it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
import yaml

from advisor import render
from advisor.catalog import constants, engine_limits, flags, raw_entries
from advisor.catalog.vendors import vendors
from advisor.check.run import check_folder
from advisor.engines import ENGINES
from advisor.engines.base import Engine
from advisor.engines.ways import WAYS
from advisor.folder.write import write_tree
from advisor.models.names import find_model
from advisor.pipeline import Answer, files_of, recommend
from advisor.predict import Prediction, predict
from advisor.predict.rows import COLUMNS
from advisor.report.document import document
from advisor.report.explain import explain
from advisor.report.listing import listing
from advisor.report.screen import Screen
from advisor.report.terminal import Written, lines
from advisor.schema import Plan
from advisor.smoke.job import Options
from advisor.smoke.run import smoke
from advisor.smoke.runners import runner_for
from tests.engines import stub

ENGINE: Engine = stub
HERE = Path(__file__).parent
FAKE = HERE.parent / "smoke" / "fake_engine.py"
MODEL, CARD = "Qwen/Qwen2.5-7B-Instruct", "RTX 4090"
NO_WAY = {"ray": "does not run stub", "nodes": "one machine"}  # parts that this plan cannot have, and why


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in the registry, an entry in the data, a build at a vendor, templates: all that a new engine adds."""
    monkeypatch.setitem(ENGINES, stub.NAME, ENGINE)
    maker = vendors()["nvidia"]
    runs_it = replace(maker, builds={**maker.builds, stub.NAME: stub.BUILD})
    monkeypatch.setitem(vendors(), maker.name, runs_it)
    known = constants("engines")
    monkeypatch.setitem(known, "engines", [*known["engines"], stub.ENTRY])
    monkeypatch.setattr(flags, "raw_entries", lambda kind: stub.ENTRIES if kind == "stub-flags" else raw_entries(kind))
    made = render.environment()
    own = jinja2.FileSystemLoader(HERE / "stub" / "templates")
    monkeypatch.setattr(made, "loader", jinja2.ChoiceLoader([made.loader, own]))  # type: ignore[list-item]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stub is known while a test runs."""
    register(monkeypatch)
    yield
    engine_limits.cache_clear()
    flags.accepted.cache_clear()


def asked(users: int, **said: object) -> Answer:
    """What is recommended for so many people."""
    return recommend(profile="chat", overrides={"model": MODEL, "users": users, **said}, gpu=CARD)


def plan_of(answer: Answer) -> Plan:
    """The plan, which is there."""
    assert answer.plan is not None
    return answer.plan


def test_it_wins_where_it_gives_most() -> None:
    """For a crowd the engine that nobody slows down is chosen, for one person still the simplest."""
    crowd, one = asked(40, quantization="bf16"), asked(1)  # the stub knows no other weights
    assert crowd.verdict.engine == stub.NAME and plan_of(crowd).engine_version == "1.0"
    assert "Stub has them" in " ".join(reason.message for reason in crowd.verdict.reasons)
    assert {lost.estimate.candidate.engine for lost in crowd.verdict.losers} == set(ENGINES) - {stub.NAME}
    assert one.verdict.engine == min(ENGINES, key=lambda name: ENGINES[name].limits().simplicity)


def test_the_crossover_is_its_own() -> None:
    """The load from which it pays is computed against the simplest engine, with its name on it."""
    verdict = asked(80).verdict
    assert verdict.crossover_in_flight and verdict.crossover_reason.startswith("Stub (")
    assert all(stub.NAME in point.tokens_per_s for point in verdict.curve)


def test_every_part_is_written(tmp_path: Path) -> None:
    """Files, JSON and terminal text of all parts that can be had; every YAML file parses; no chart is promised."""
    answer = asked(80, engine=stub.NAME, parts="all", offline=True, air_gapped=True)
    plan = plan_of(answer)
    assert plan.parts == (*WAYS.values(), "gateway", "keys", "monitoring", "offline")
    write_tree(tmp_path, files_of(plan), overwrite=False)
    files = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    for path, text in files.items():
        if path.endswith((".yaml", ".yml")):
            assert list(yaml.safe_load_all(text)), path
    assert "The stub says hello." in files["README.md"] and "sudo install stub" in files["README.md"]
    assert "stub fetch" in files["offline/save.sh"] and "STUB_OFFLINE=1" in files["offline/CARRY.md"]
    assert "chart" not in files["README.md"] and "kubernetes/deployment.yaml" in files
    assert document(answer, tuple(files))["verdict"]["engine"] == stub.NAME
    assert list(lines(answer, Written(tuple(files), "deploy"), Screen()))


@pytest.mark.parametrize("part", NO_WAY)
def test_what_it_cannot_have_says_why(part: str) -> None:
    """A part that this engine has nothing for is refused in one sentence."""
    from advisor.deploy import PARTS

    plan = plan_of(asked(80, engine=stub.NAME))
    spread = replace(plan.estimate.candidate, nodes=2, replicas=2) if part == "ray" else plan.estimate.candidate
    plan = replace(plan, estimate=replace(plan.estimate, candidate=spread))
    assert NO_WAY[part] in PARTS[part].possible(plan)


def predicted(**cells: str) -> Prediction:
    """A row of `advisor predict` that names it."""
    row = {"engine": "Stub (nightly)", "gpu": CARD, "model": MODEL, "mode": "single_stream", **cells}
    return next(predict(COLUMNS, [[row.get(name, "") for name in COLUMNS]]))


def test_its_rows_are_predicted() -> None:
    """`predict` asks it for its step, which reads the weights at the card's bandwidth; its refusal is the row's reason."""
    roof = 1008e9 / (2 * find_model(MODEL, offline=True).parameters)
    assert predicted().output_tok_s == pytest.approx(roof, rel=0.1) and predicted().basis == "analytic"
    assert predicted(slots="300").reason == "has 256 slots"


def test_its_settings_are_explained() -> None:
    """`explain` finds a flag that only this engine has."""
    assert explain("--knob") == {"setting": "--knob", "engine": "Stub", "engine's type": "word"}


def test_it_is_in_the_catalogue() -> None:
    """`catalog engines` has its row, `catalog gpus` its column."""
    assert "Stub" in [row[0] for row in listing("engines").rows]
    assert "Stub" in listing("gpus").titles
    assert len({len(row) for row in (listing("gpus").titles, *listing("gpus").rows)}) == 1


def test_its_models_lie_where_it_says(tmp_path: Path) -> None:
    """The probe looks for room in its store."""
    from advisor.probe import disk
    from advisor.probe.host import Host

    (tmp_path / ".stub").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for env, folder in (({}, ".stub"), ({"STUB_MODELS": str(tmp_path / "elsewhere")}, "elsewhere")):
        found = disk.read(replace(Host(), env={"HOME": str(tmp_path), **env}), None, {})
        assert found.path == f"~/{folder}"


def test_its_folder_is_checked(tmp_path: Path) -> None:
    """`check` reads the saved plan and runs the engine's own line."""
    write_tree(tmp_path, files_of(plan_of(asked(80, engine=stub.NAME, parts="none"))), overwrite=False)
    lines = {line.id: line for line in check_folder(tmp_path, "native").lines}
    assert lines["stub-knob"].status == "pass"


def test_it_is_smoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`smoke` starts it by its own run.sh and takes every step with what its observer says."""
    plan = served_here(
        plan_of(asked(2, engine=stub.NAME, run="native", parts="none", input_tokens=32, output_tokens=8))
    )
    program = tmp_path / "bin" / "stub"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    folder = tmp_path / "deploy"
    write_tree(folder, files_of(plan), overwrite=False)
    chosen = Options(levels=(1, 2), seconds_per_level=3.0, requests_per_client=2)
    report = smoke(plan, folder, runner_for("native", plan, folder), chosen)
    assert not [step for step in report.steps if step.result == "fail"]
    assert [load.in_flight for load in report.loads] == [1, 2] and report.metrics


def served_here(plan: Plan) -> Plan:
    """The same plan on a free port of this machine, with little patience and nothing to download."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = tuple(str(port) if word == str(stub.PORT) else word for word in plan.launch.argv)
    launch = replace(plan.launch, port=port, argv=argv, startup_s=20, drain_s=20, cache_bytes=0)
    return replace(plan, launch=launch)

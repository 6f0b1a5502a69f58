"""Every metric that an alert or a panel names is one that the pinned version of what exports it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.catalog.vendors import vendors
from advisor.deploy import gateway
from advisor.deploy import monitoring as part
from advisor.deploy.monitoring.exporters import NODE_VERSION
from advisor.engines import ENGINES
from advisor.pipeline import recommend
from advisor.schema import Plan
from tests.deploy.front import Upstream, planned, written
from tests.deploy.front import gateway as caddy
from tests.deploy.test_monitoring import queries
from tests.deploy.test_scrape import metric_names
from tests.smoke.fake_engine import Behaviour

KNOWN: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "exporter_metrics.yaml").read_text()
)
CARDS = ("RTX 4090", "4x H100", "Tesla T4", "MI300X", "8x MI325X", "2x MI210", "RX 7900 XTX")


def plan_on(gpu: str) -> Plan:
    """A plan with monitoring on that card."""
    asked = {"model": "Qwen/Qwen2.5-7B-Instruct", "users": 20, "offline": True, "exposed": True, "run": "compose"}
    made = recommend(profile=None, overrides=asked, gpu=gpu).plan
    assert made is not None
    return replace(made, parts=(*made.parts, *({"monitoring"} - set(made.parts))))


def names_of(image: str) -> set[str]:
    """All that it exports, on whatever card."""
    known = KNOWN[image]
    return {*known["names"], *(name for group in known.get("of_some_cards", []) for name in group.values())}


def asked(plan: Plan) -> set[str]:
    """Names in rules and dashboard that are nobody's recording and not the engine's."""
    found = {name for expr in queries(part.facts(plan)) for name in metric_names(expr)}
    return {name for name in found if not name.startswith(("advisor:", "vllm:")) and name != "up"}


@pytest.mark.parametrize("gpu", CARDS)
def test_every_name_is_documented(gpu: str) -> None:
    """On each kind of card: the names of its exporter, of the node's and of Caddy, of the versions that are pinned."""
    plan = plan_on(gpu)
    images = {each.image for each in part.facts(plan).exporters} | {gateway.facts(plan).image}
    assert images <= KNOWN.keys(), "a new version: read its names again"
    assert asked(plan) <= set().union(*map(names_of, images))


@pytest.mark.parametrize("engine", list(ENGINES))
def test_of_every_engine_too(engine: str) -> None:
    """Neither engine's own alerts and panels name anything else."""
    plan = planned(engine)
    images = {each.image for each in part.facts(plan).exporters} | {gateway.facts(plan).image}
    assert asked(plan) <= set().union(*map(names_of, images))


def test_every_family_of_cards_has_what_is_asked() -> None:
    """Where families name one thing differently, alert and panel ask for each of the names: none stays silent."""
    for vendor in vendors().values():
        cards = vendor.metrics_exporter
        if cards is None:
            continue
        for expr in (cards.busy, cards.memory_mib, cards.temperature, cards.faults):
            used = metric_names(expr)
            for group in KNOWN[cards.image].get("of_some_cards", []):
                assert not used & set(group.values()) or used >= set(group.values()), (expr, group)
            assert len(used) == 1 or re.fullmatch(r"\(.*\)", expr), "an expression stands in brackets"


@pytest.mark.parametrize("gpu", CARDS)
def test_labels_of_panels_are_there(gpu: str) -> None:
    """A legend of machine, cards and gateway shows a label that one of the exporters puts on its series."""
    labels = {label for known in KNOWN.values() for label in known["labels"]} | {"instance", "job"}
    for panel in part.facts(plan_on(gpu)).panels:
        for query in panel.queries:
            if "vllm:" not in query.expr:
                assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= labels


def test_versions_are_those_that_were_read() -> None:
    """Every pinned image of an exporter has a list, and no list is of a version that is gone."""
    pinned = {each.metrics_exporter.image for each in vendors().values() if each.metrics_exporter}
    assert pinned | {f"prom/node-exporter:{NODE_VERSION}", f"caddy:{gateway.VERSION}"} == KNOWN.keys()


@pytest.mark.external
def test_caddy_really_has_them(tmp_path: Path) -> None:
    """The names of the list stand on the page of a real Caddy that has answered."""
    engine = Upstream(Behaviour(model="fake", ttft_s=0, tpot_s=0))
    caddyfile = written(planned(), tmp_path) / "gateway" / "Caddyfile"
    with engine.serving(), caddy(caddyfile, engine.port, tmp_path) as front:
        assert front.chat().status == 200
        page = front.metrics()
    there = set(re.findall(r"^(caddy_\w+)[{ ]", page, re.MULTILINE))
    assert names_of(f"caddy:{gateway.VERSION}") <= there

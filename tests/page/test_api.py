"""The page's answers for programs: as OpenAPI describes them, whatever is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.testclient import TestClient

from advisor.page.api import openapi
from advisor.page.app import app
from advisor.programs.functions import FIELDS
from tests.page.asking import TOKEN, YES, at, client

# No schema tells which names are in the catalogue, nor that blanks around a value are left out.
UNDESCRIBED: list[Callable[..., bool | None]] = [positive_data_acceptance, negative_data_rejection]
HEADERS = {"host": "127.0.0.1"}
described = schemathesis.openapi.from_asgi(f"/{TOKEN}/api/openapi.json", app(TOKEN, 80), headers=HEADERS)


@pytest.fixture(scope="module")
def page() -> TestClient:
    """One page for all of them."""
    return client()


@described.parametrize()
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: Case[Any]) -> None:
    """Whatever is sent, in form and out of it: 200 or 400 as described, never an error of the server."""
    case.call_and_validate(headers=HEADERS, excluded_checks=UNDESCRIBED)


def test_a_question_is_answered_as_by_the_command(page: TestClient) -> None:
    """The document of `recommend --json`."""
    found = page.get(at("api/recommend", **YES)).json()
    assert found["schema_version"] == 1 and found["verdict"]["engine"] == "vllm" and "plan.json" in found["files"]


def test_every_option_is_a_parameter(page: TestClient) -> None:
    """With its bounds, its unit and what it means."""
    parameters = {each["name"]: each for each in openapi("/")["paths"]["/api/recommend"]["get"]["parameters"]}
    assert set(parameters) == set(FIELDS)
    assert parameters["users"]["schema"]["minimum"] == 1 and "Unit: people." in parameters["users"]["description"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"{}", b"[]", b'{"rows": 1}', b'{"rows": [1]}', b'{"rows": [{}]}', b"\xff", b"[" * 100_000],
)
def test_a_body_that_is_no_rows_is_refused(page: TestClient, body: bytes) -> None:
    """400 with what it must be."""
    answer = page.post(at("api/predict"), content=body)
    assert answer.status_code == 400 and answer.json()["error"]


def test_this_machine_and_an_entry(page: TestClient) -> None:
    """Probe and explain."""
    assert page.get(at("api/probe")).json()["cpu"]["cores"] > 0
    assert page.get(at("api/explain", id="SPD210")).json()["rule"] == "SPD210"
    assert "error" in page.get(at("api/explain")).json()

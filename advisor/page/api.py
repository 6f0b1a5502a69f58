"""The page's answers for programs, as JSON under `api/`, and what describes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from advisor import __version__
from advisor.catalog import engines_told
from advisor.edge.reading import parse_json
from advisor.errors import BadInput
from advisor.page.answers import Answers
from advisor.page.question import read
from advisor.pipeline import files_of
from advisor.programs import functions
from advisor.programs.functions import FIELDS, MOST_ROWS
from advisor.report.document import document
from advisor.wire import to_data
from advisor.workload.key import Key


class Api:
    """What a program may ask of the page."""

    def __init__(self, answers: Answers, base: str) -> None:
        self._answers, self._base = answers, base
        self.gets = {
            "/api/openapi.json": self.described,
            "/api/recommend": self.recommend,
            "/api/probe": self.probe,
            "/api/explain": self.explain,
        }
        self.posts = {"/api/predict": self.predict}

    def recommend(self, request: Request, _body: bytes) -> Response:
        """The document of `recommend --json` for the question in the address."""
        answer = self._answers.whole(read(request.url.query)._replace(pins=()))
        files = files_of(answer.plan) if answer.plan else ()
        return _json(document(answer, tuple(file.path for file in files)))

    def probe(self, _request: Request, _body: bytes) -> Response:
        """This machine as it was last looked at."""
        return _json(to_data(self._answers.machine))

    def explain(self, request: Request, _body: bytes) -> Response:
        """What stands behind an id."""
        return _json(functions.explain(request.query_params.get("id", "")))

    def predict(self, _request: Request, body: bytes) -> Response:
        """A prediction for each row of the body."""
        data = parse_json(body, "body")
        rows = data.get("rows") if isinstance(data, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadInput('body: it must be {"rows": [...]} with an object for each configuration')
        return _json(functions.predict(rows))

    def described(self, _request: Request, _body: bytes) -> Response:
        """OpenAPI of all this."""
        return _json(openapi(self._base))


def _json(data: Any) -> Response:
    return JSONResponse(json.loads(json.dumps(data, allow_nan=False)))


def openapi(base: str) -> dict[str, Any]:
    """OpenAPI 3.1; the parameters of a question are the workload's keys, and `base` is the path with the token."""
    asked = [_parameter(key) for key in FIELDS.values()]
    about = f"{engines_told('or')}, with which settings."
    name = {"name": "id", "in": "query", "required": True, "description": "As an answer shows it.", "schema": _TEXT}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "advisor",
            "version": __version__,
            "description": about,
        },
        "servers": [{"url": base.rstrip("/"), "description": "The address that `advisor ui` prints, with its token."}],
        "paths": {
            "/api/recommend": {"get": _operation("recommend", "Verdict, plan, predictions, curve and reasons.", asked)},
            "/api/probe": {"get": _operation("probe", "What this machine has.", [])},
            "/api/explain": {"get": _operation("explain", "What stands behind a rule, setting or figure.", [name])},
            "/api/predict": {"post": _operation("predict", "A prediction for each row.", []) | {"requestBody": _ROWS}},
        },
        "components": {"schemas": {"Refusal": _REFUSAL}},
    }


_TEXT = {"type": "string"}
_REFUSAL = {"type": "object", "required": ["error"], "properties": {"error": _TEXT}}
_CELL = {"type": ["string", "number", "boolean", "null"]}
_ROWS = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["rows"],
                "properties": {
                    "rows": {
                        "type": "array",
                        "maxItems": MOST_ROWS,
                        "items": {"type": "object", "additionalProperties": _CELL},
                    }
                },
            }
        }
    },
}


def _operation(name: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    def answer(said: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {"description": said, "content": {"application/json": {"schema": schema}}}

    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": answer("The answer.", {"type": "object"}),
            "400": answer("What cannot be used, and what is accepted.", {"$ref": "#/components/schemas/Refusal"}),
        },
    }


def _parameter(key: Key) -> dict[str, Any]:
    """A key of the workload as a parameter; numbers and flags are read from text."""
    unit = f" Unit: {key.unit}." if key.unit else ""
    schema = {name: item for name, item in key.kind.schema().items() if name != "default"}
    return {"name": key.name, "in": "query", "description": key.help + unit, "schema": schema}

"""What each address of the page gives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from importlib import resources
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from advisor.errors import AdvisorError, BadInput
from advisor.page import document, shown
from advisor.page.answers import Answers
from advisor.page.charts import NAMES, as_csv
from advisor.page.form import lengths
from advisor.page.html import every
from advisor.page.pins import pins
from advisor.page.question import WHOLE, Asked, read
from advisor.page.runs import Runs
from advisor.page.runs_shown import shown as run_shown
from advisor.pipeline import Answer, files_of
from advisor.programs.functions import explain
from advisor.schema import RenderedFile
from advisor.workload.kinds import NotAccepted, Number

STATIC = {
    "htmx.min.js": "text/javascript",
    "page.js": "text/javascript",
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
}
_SECONDS = 15.0  # for each load of a smoke test
_DATED = (1980, 1, 1, 0, 0, 0)  # the same plan gives the same bytes


class Page:
    """The page with its memory: answers and runs."""

    def __init__(self, token: str, answers: Answers | None = None, runs: Runs | None = None) -> None:
        self.base = f"/{token}/"
        self.answers, self.runs = answers or Answers(), runs or Runs()
        self.runs.ended = self.answers.forget  # what a smoke test measured counts from then on

    def open(self, request: Request, _body: bytes) -> Response:
        """The page with the quick part of its answer, and the rest where nothing can ask for it later."""
        asked = Asked({})
        try:
            asked = read(request.url.query)
            whole = WHOLE in request.query_params
            answer = self.answers.whole(asked) if whole else self.answers.quick(asked)
            told = _named(asked, answer)
            beside = pins(told, self.answers.pinned(told))
            inside = shown.whole(told, answer, beside) if whole else shown.quick(told, answer, beside)
        except AdvisorError as error:
            machine, why = self.answers.machine, shown.refused(str(error))
            return HTMLResponse(document.page(self.base, asked, None, machine, why), 400)
        return HTMLResponse(document.page(self.base, told, answer, self.answers.machine, inside, whole=whole))

    def answer(self, request: Request, _body: bytes) -> Response:
        """The quick part, while somebody drags."""
        asked = read(request.url.query)
        answer = self.answers.quick(asked)
        told = _named(asked, answer)
        new = request.headers.get("hx-trigger-name") == "profile"
        return HTMLResponse(every(shown.quick(told, answer), lengths(told, answer, swapped=True) if new else None))

    def rest(self, request: Request, _body: bytes) -> Response:
        """What takes longer, once they rest; which names the address that the page then takes on."""
        asked = read(request.url.query)
        answer = self.answers.whole(asked)
        told = _named(asked, answer)
        inside = shown.settled(told, answer, pins(told, self.answers.pinned(told)))
        return HTMLResponse(inside)

    def probe(self, _request: Request, body: bytes) -> Response:
        """Look at this machine again, and ask the same question."""
        asked = read(_text(body))
        self.answers.look_again()
        return RedirectResponse(self.base + asked.address(), 303)

    def csv(self, request: Request, _body: bytes) -> Response:
        """The numbers of a chart."""
        name = request.path_params["name"]
        if name not in NAMES:
            raise HTTPException(404)
        answer = self.answers.quick(read(request.url.query))
        return Response(as_csv(name, answer), media_type="text/csv")

    def zip(self, request: Request, _body: bytes) -> Response:
        """The deployment folder as one file."""
        return Response(_zipped(self._files(request.url.query)), media_type="application/zip")

    def explain(self, request: Request, _body: bytes) -> Response:
        """What stands behind an id."""
        return HTMLResponse(document.plain(self.base, explain(request.query_params.get("id", ""))))

    def start(self, request: Request, body: bytes) -> Response:
        """Start the checklist or the smoke test."""
        form = _form(body)
        asked = read(form.get("question", ""))
        files = self._files(asked.alone())
        run = self.runs.start(form.get("kind", ""), asked.alone(), files, _seconds(form.get("seconds", "")))
        return self._run(request, run.id)

    def run(self, request: Request, _body: bytes) -> Response:
        """A run as it stands."""
        return self._run(request, request.path_params["id"])

    def cancel(self, request: Request, _body: bytes) -> Response:
        """End a run."""
        run = self.runs.find(request.path_params["id"])
        if run is not None:
            self.runs.cancel(run)
        return self._run(request, request.path_params["id"])

    def _run(self, request: Request, name: str) -> Response:
        run = self.runs.find(name)
        if run is None:
            raise HTTPException(404)
        if "hx-request" in request.headers:
            return HTMLResponse(run_shown(run))
        if request.method == "POST":
            return RedirectResponse(f"{self.base}runs/{name}", 303)
        return HTMLResponse(document.watched(self.base, run))

    def _files(self, question: str) -> tuple[RenderedFile, ...]:
        plan = self.answers.whole(read(question)).plan
        if plan is None:
            raise BadInput("no engine can run this: there is no folder")
        return files_of(plan)

    def static(self, request: Request, _body: bytes) -> Response:
        """A file of the page itself."""
        name = request.path_params["name"]
        if name not in STATIC:
            raise HTTPException(404)
        file = resources.files("advisor.page") / "static" / name
        return Response(file.read_bytes(), media_type=STATIC[name])

    def refused(self, request: Request, error: AdvisorError) -> Response:
        """What cannot be answered; a part that was asked for by a script is shown in its place."""
        status = 400 if isinstance(error, BadInput) else 503
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": str(error)}, status)
        why = shown.refused(str(error))
        if "hx-request" in request.headers:
            return HTMLResponse(why)
        return HTMLResponse(document.refused(self.base, why), status)


def _named(asked: Asked, answer: Answer) -> Asked:
    """The question with the model that was picked, so that links and further questions mean the same one."""
    return asked if "model" in asked.typed else asked.with_(model=answer.model.hf_id)


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise BadInput("body: it is no form") from None


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(_text(body), max_num_fields=20, errors="strict"))
    except ValueError as error:
        raise BadInput(f"body: it is no form ({error})") from None


def _seconds(text: str) -> float:
    try:
        return Number(least=1, most=3600).read(text or _SECONDS)
    except NotAccepted:
        raise BadInput("seconds: it is not a number from 1 to 3,600") from None


def _zipped(files: Sequence[RenderedFile]) -> bytes:
    """A folder named `deploy`, whose scripts may be run."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"deploy/{file.path}", _DATED)
            entry.create_system = 3  # Unix, whose modes follow
            entry.external_attr = (0o100755 if file.executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.text)
    return packed.getvalue()

"""Which address gives what. Nothing but POST changes anything, and a link is a question."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from advisor.errors import AdvisorError
from advisor.page.api import Api
from advisor.page.guard import Guard
from advisor.page.sizes import Sizer, Sizes
from advisor.page.views import Page

Work = Callable[[Request, bytes], Response]


def app(token: str, port: int, page: Page | None = None, size: Sizer | None = None) -> ASGIApp:
    """The page behind its guard; `size` finds machines for a load, without it no address does."""
    made = page or Page(token)
    api = Api(made.answers, made.base)
    gets: dict[str, Work] = {
        "/": made.open, "/answer": made.answer, "/rest": made.rest, "/deploy.zip": made.zip, "/explain": made.explain,
        "/{name}.csv": made.csv, "/runs/{id}": made.run, "/static/{name}": made.static, **api.gets,
    }  # fmt: skip
    if size is not None:
        gets["/size"] = Sizes(made.base, size).open
    posts: dict[str, Work] = {
        "/probe": made.probe, "/runs": made.start, "/runs/{id}/cancel": made.cancel, **api.posts
    }  # fmt: skip
    routes = [Route(path, _endpoint(made, work), methods=["GET"]) for path, work in gets.items()]
    routes += [Route(path, _endpoint(made, work), methods=["POST"]) for path, work in posts.items()]

    @asynccontextmanager
    async def living(_app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(made.runs.close)

    return Guard(Starlette(routes=routes, lifespan=living), token, port)


def _endpoint(page: Page, work: Work) -> Callable[[Request], Awaitable[Response]]:
    """Work that computes, off the loop that serves; our own errors are answers."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            raise HTTPException(413) from None
        try:
            return await run_in_threadpool(work, request, body)
        except AdvisorError as error:
            return page.refused(request, error)

    return endpoint

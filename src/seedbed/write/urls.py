"""What the URL of a database names. The password stays in here: it is in no representation and in no message."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import parse_qsl, quote, unquote

from seedbed.errors import InputError
from seedbed.write.engines import ENGINES, Engine

__all__ = ["FOLDER", "Address", "parse_address"]

# What a folder of Parquet files is called instead of an engine; it is read, not loaded.
FOLDER = "parquet"
SCHEMES: Mapping[str, Engine] = {scheme: engine for engine in ENGINES.values() for scheme in engine.schemes}
# A path with one of these endings needs no scheme.
FILE_SUFFIXES: Mapping[str, Engine] = {suffix: engine for engine in ENGINES.values() for suffix in engine.suffixes}
EXPECTED = (
    "duckdb:///PATH, sqlite:///PATH, postgresql://…, mysql://… (mariadb://…), oracle://…,"
    f" the path of a file that ends in {', '.join(FILE_SUFFIXES)}, and a folder of Parquet files"
)

# Where a password is looked for that is not in the URL, before that of the engine's own clients.
PASSWORD = "SEEDBED_DB_PASSWORD"

# PostgreSQL cuts longer names without an error.
SCHEMA_BYTES = 63
HOST = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]/]*)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class Address:
    """One database: a file's path, or a server with what it takes to log in.

    `schema` is PostgreSQL's, if the URL names one; else tables are where the server's search path leads. `options`
    are what else follows the question mark, in the words of the engine's driver.
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
        """The URL as people may see it: without password and options, but for the schema."""
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


def parse_address(url: str) -> Address:
    """The database of a URL, of a file's path that says by its ending which engine wrote it, or of a Parquet folder.

    A password that the URL lacks comes from the environment. A file's path is taken as it stands, without percent
    decoding. Of a server's URL the user name and the password end at the last @ before the question mark, so that a
    password may have any character but ?. Raises `InputError`, which repeats nothing of the URL but a known scheme.
    """
    suffix = PurePath(url).suffix.lower()
    if "://" not in url and suffix in FILE_SUFFIXES:
        return Address(engine=FILE_SUFFIXES[suffix].name, path=url)
    if os.path.isdir(url):  # noqa: PTH112 - a path that no system takes is none, where Path raises
        return Address(engine=FOLDER, path=url)
    match = re.match(r"([A-Za-z][A-Za-z0-9]*)(?:\+[A-Za-z0-9]+)?://", url)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in SCHEMES:
        raise InputError(f"not a database URL; known are {EXPECTED}")
    row, rest = SCHEMES[scheme], url[match.end() :]
    engine = row.name
    if row.is_file:
        if not re.match(r"/.", rest, re.DOTALL):
            raise InputError(f"a {engine} URL has a file and no host: {engine}:///PATH")
        return Address(engine=engine, path=rest[1:])
    return _server(engine, rest)


def _server(engine: str, rest: str) -> Address:
    place, _, query = rest.partition("?")
    login, at, place = place.rpartition("@")
    user, _, password = login.partition(":") if at else ("", "", "")
    authority, _, database = place.partition("/")
    host = HOST.fullmatch(authority)
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        host = None
    if host is None or int(host[2] or 0) > 65535:
        raise InputError(f"the URL does not read {engine}://USER:PASSWORD@HOST:PORT/DATABASE")
    schema = _schema(options) if engine == "postgresql" else ""
    raw = options.pop("password", password)
    chosen = unquote(raw) or _from_environment(engine)
    return Address(
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
    """The schema among the options, which is none of the driver's. Raises InputError for what can be no name."""
    schema = options.pop("schema", None)
    if schema is not None and not (schema.isprintable() and 0 < len(schema.encode()) <= SCHEMA_BYTES):
        raise InputError(f"schema: a name has 1 to {SCHEMA_BYTES} bytes and no invisible characters")
    return schema or ""


def _from_environment(engine: str) -> str | None:
    return os.environ.get(PASSWORD) or os.environ.get(ENGINES[engine].password_variable or PASSWORD) or None


def _spellings(password: str) -> Iterator[str]:
    """The ways in which drivers and servers repeat a password: as it is, decoded, and as a Python literal."""
    for text in (password, unquote(password)):
        if text:
            yield from (text, repr(text)[1:-1])

"""Loads into databases: one protocol for all engines, each a row of a table.

A load locks its instance, makes everything out of sight, reads the rows back, and shows the result in one step. The
dataset's row comes last. It has the load id, by which the load is found again if the commit got no answer.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from seedbed.bank.model import Bank
from seedbed.databases.contents import (
    already_there,
    refuse_others_rows,
    refuse_taken_names,
    stored_load_id,
    verify_drift,
    verify_rows,
)
from seedbed.databases.definitions import altered_views, relation_kinds, relation_names
from seedbed.databases.reader import stored_bank, stored_facts, the_instance
from seedbed.databases.session import AnswerLostError, Session
from seedbed.errors import InputError, TargetError
from seedbed.ledger.columns import ALL_TABLES, TABLES
from seedbed.ledger.dataset import Dataset, Part
from seedbed.views import VIEWS, drop_view_statements, refresh_statements, view_statements
from seedbed.views.macros import macros_named
from seedbed.views.sql import BASE_TABLES, Sql
from seedbed.write.dialects import DIALECTS, STAGING_MARK, Dialect, create_table, drop_table, finish_table, table_name
from seedbed.write.engines import ENGINES, imported
from seedbed.write.facts import DATASET, STORED, Tally, dataset_row, feed_row, is_generated, moment_of
from seedbed.write.schema import OBJECTS, drop_statements, object_names, schema_statements, staged_bank
from seedbed.write.staging import check_file, staging
from seedbed.write.targets import Target, WriteReport, output_path, refusals
from seedbed.write.urls import DatabaseUrl

__all__ = ["apply_schema", "check_database", "clean_data", "clean_schema", "load", "refresh_views"]

# The dialects of the scripts, except that a load into Oracle stages its rows and reads them back.
LOADED: Mapping[str, Dialect] = {**DIALECTS, "oracle": replace(DIALECTS["oracle"], staged=STAGING_MARK)}
# The time to ask for the outcome of a commit without an answer. A server takes a while to come back.
SETTLING_SECONDS = 60
SETTLING_PAUSE_SECONDS = 0.5


def load(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Replaces the tables and views of an instance by this dataset, completely or not at all.

    If the database already holds this load, nothing changes, and the report says so. Raises `TargetError` and leaves
    the target unchanged if the database fails, if it returns other rows than were loaded, or if it holds rows that no
    load made and `target.overwrite` is not set.
    """
    database_url, instance = _database_url(target), dataset.bank.instance
    table_name(instance, DATASET)
    tally = Tally(parts)
    try:
        # A file replaces its target when the session ends.
        with ExitStack() as showing, _session(database_url) as session:
            session.lock(instance)
            kept = already_there(session.database, dataset, parts)
            if kept is not None:
                # A load that was killed after its rows were in place may have left the old tables beside them.
                session.rollback(instance)
                return _report(database_url, kept, unchanged=True)
            _refuse_others(session, instance, target)
            with _replacing(session, instance, OBJECTS, lambda: showing.enter_context(target.showing())):
                _fill(session, dataset, tally, target.explained)
    except AnswerLostError:
        _settle(database_url, instance, dataset_row(dataset, tally.counts)["load_id"][0].as_py())
    return _report(database_url, tally)


def check_database(target: Target, dataset: Dataset) -> None:
    """Raises `TargetError` if no load is possible: the server refuses the login, or the file has no folder."""
    database_url = _database_url(target)
    if not ENGINES[database_url.engine].is_file:
        with _session(database_url):
            return
    path = output_path(database_url.path)
    check_file(path, lambda _: True)
    if database_url.engine == "duckdb" or not path.exists():
        with staging(path):
            pass


def apply_schema(bank: Bank, target: Target, as_of: datetime | None = None) -> None:
    """Creates the empty tables of a bank and its views. Replaces existing tables and views of the instance.

    The table of facts gets the bank and, if given, `as_of`. Raises `TargetError` as `load` does.
    """
    with _session(_database_url(target)) as session:
        session.lock(bank.instance)
        _refuse_others(session, bank.instance, target)
        _make_empty(session, bank, as_of)


def refresh_views(
    target: Target, instance: str | None = None, bank: Bank | None = None, as_of: datetime | None = None
) -> tuple[str, datetime | None]:
    """Restores altered views of one instance and fills all filled views. Returns the instance and the as-of.

    The bank comes from the instance's dataset row, unless `bank` is given. Ages are counted up to `as_of`; without it
    the as-of does not change. The table of facts of a feed stores both. Without `instance` the database must hold
    exactly one instance. Raises `InputError` for an instance that does not exist, and `TargetError` as `load` does.
    """
    with _existing(target) as session:
        instance = the_instance(session.database, bank.instance if bank else instance)
        session.lock(instance)
        facts = stored_facts(session.database, instance) or {}
        bank = bank or stored_bank(session.database, instance)
        if not _dialect(session).views:
            raise InputError(f"{_dialect(session).name} databases have only tables and no filled views")
        as_of = as_of or moment_of(facts)
        renewed = _renewed(facts, bank, as_of)
        names = tuple(view.name for view in VIEWS)
        with _replacing(session, instance, names if renewed is None else (*names, DATASET.name)):
            _refill(session, bank, renewed)
    return instance, as_of


def clean_data(target: Target, instance: str | None = None) -> tuple[str, bool]:
    """Removes the rows of one instance; its tables and views stay. Returns the instance, and whether it had rows.

    Raises as `refresh_views` does.
    """
    with _existing(target) as session:
        instance = the_instance(session.database, instance)
        session.lock(instance)
        names = [DIALECTS[session.database.dialect].quoted(table_name(instance, table)) for table in TABLES]
        had_rows = any(session.database.rows(f"SELECT MAX(entry) FROM {name}") != [(None,)] for name in names)
        if stored_facts(session.database, instance) is None:
            if had_rows:
                raise InputError(
                    f"{instance}_{DATASET.name} does not name the bank of the rows;"
                    " `seedbed data refresh URL --bank BANK` does"
                )
            return instance, False
        _make_empty(session, stored_bank(session.database, instance))
    return instance, had_rows


def clean_schema(target: Target, instance: str | None = None) -> tuple[str, list[str]]:
    """Removes only the tables and views of one instance; returns the instance and the removed names.

    Raises as `refresh_views` does.
    """
    with _existing(target) as session:
        # Remains of an instance may be removed, too, but not foreign tables that only have its names.
        if instance is None or not (
            f"{instance}_{DATASET.name}" in _objects(session, instance) or _staged(session, instance)
        ):
            instance = the_instance(session.database, instance)
        session.lock(instance)
        refuse_taken_names(session.database, instance)
        found, staged = _objects(session, instance), _staged(session, instance)
        if not found:
            session.rollback(instance)
            return instance, staged
        with _replacing(session, instance, OBJECTS):
            _drop(session, instance)
    return instance, [*found, *staged]


# ---- the steps -----------------------------------------------------------------------------------------------------


def _renewed(facts: Mapping[str, Any], bank: Bank, as_of: datetime | None) -> pa.Table | None:
    """The new row of the table of facts; None if it does not change. A generated dataset keeps its bank."""
    known = dict(facts) | {"as_of": moment_of(facts)}
    row = feed_row(bank, as_of)
    if is_generated(facts):
        changed = known | {"as_of": as_of}
        row = pa.table({name: [value] for name, value in changed.items()}, schema=DATASET.arrow_schema())
    return None if row.to_pylist() == [known] else row


def _refill(session: Session, bank: Bank, facts: pa.Table | None) -> None:
    """Fills the views, after it has restored altered definitions, and replaces the facts if they are given."""
    dialect, database = _dialect(session), session.database
    if facts is None and not dialect.staged and not altered_views(database, Sql(bank, macros_named(dialect.name))):
        statements = refresh_statements(bank, dialect.name)
    else:
        made = staged_bank(bank, dialect)
        if not dialect.staged:
            for statement in drop_view_statements(bank.instance, dialect.name, relation_kinds(database)):
                session.run(statement)
        if facts is not None:
            _replace_facts(session, made.instance, facts)
        base = [name for name in BASE_TABLES if facts is None or name != DATASET.name]
        prefix = bank.instance if dialect.staged else None
        statements = view_statements(made, dialect.name, base_instance=prefix, base_tables=base)
    for statement in statements:
        session.run(statement)


def _replace_facts(session: Session, instance: str, facts: pa.Table) -> None:
    """Makes the table of facts again, because an older table may reject a row with few facts."""
    dialect = _dialect(session)
    for statement in (drop_table(instance, DATASET, dialect), create_table(instance, DATASET, dialect)):
        session.run(statement)
    session.insert(instance, DATASET, facts)
    for statement in finish_table(instance, DATASET, dialect):
        session.run(statement)


def _fill(session: Session, dataset: Dataset, tally: Tally, explained: bool) -> None:
    """The steps between begin and commit: tables, rows, the dataset's row, keys, reading back, views."""
    dialect = _dialect(session)
    _drop(session, dataset.bank.instance)
    bank = staged_bank(dataset.bank, dialect)
    for table in STORED:
        session.run(create_table(bank.instance, table, dialect))
    for part in tally:
        for table in ALL_TABLES:
            rows = part[table.name]
            if rows.num_rows:
                session.insert(bank.instance, table, rows)
    session.insert(bank.instance, DATASET, dataset_row(dataset, tally.counts))
    for table in STORED:
        for statement in finish_table(bank.instance, table, dialect):
            session.run(statement)
        if dialect.analyze:
            session.run(dialect.analyze.format(table=dialect.quoted(table_name(bank.instance, table))))
    verify_rows(session.database, bank.instance, tally)
    for statement in view_statements(bank, dialect.name) if dialect.views else ():
        session.run(statement)
    if explained and dialect.views:
        verify_drift(session.database, bank.instance)


def _make_empty(session: Session, bank: Bank, as_of: datetime | None = None) -> None:
    dialect = _dialect(session)
    with _replacing(session, bank.instance, OBJECTS):
        _drop(session, bank.instance)
        made = staged_bank(bank, dialect)
        for statement in schema_statements(made, dialect.name):
            session.run(statement)
        session.insert(made.instance, DATASET, feed_row(bank, as_of))


def _drop(session: Session, instance: str) -> None:
    """Drops the old tables and views, unless the new ones are staged beside them."""
    dialect = _dialect(session)
    if dialect.staged:
        return
    kinds = relation_kinds(session.database)
    for statement in drop_statements(instance, dialect.name, kinds):
        session.run(statement)


@contextmanager
def _replacing(
    session: Session,
    instance: str,
    names: tuple[str, ...],
    before_commit: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Begins, and commits if the block ends without an error. Else rolls back."""
    session.begin(instance)
    try:
        yield
        before_commit()
        session.commit(instance, names)
    except AnswerLostError:
        raise
    except BaseException:
        session.rollback(instance)
        raise


def _settle(database_url: DatabaseUrl, instance: str, load_id: str) -> None:
    """Find out whether a commit without an answer happened. Raises `TargetError` if it did not or nobody can tell."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while True:
        try:
            with _session(database_url) as session:
                # The lock is free once the server has ended the lost session.
                session.lock(instance)
                arrived = stored_load_id(session.database, instance) == load_id
                session.rollback(instance)
            break
        except TargetError as error:
            if time.monotonic() > deadline:
                raise TargetError(
                    f"the connection was lost during the commit, and the database has not answered since ({error});"
                    " run the command again: it keeps a load that is there already"
                ) from None
            time.sleep(SETTLING_PAUSE_SECONDS)
    if not arrived:
        raise TargetError("the connection was lost before the load was committed; nothing was changed")


def _refuse_others(session: Session, instance: str, target: Target) -> None:
    """Raise `TargetError` if a foreign table or view is in the way."""
    refuse_taken_names(session.database, instance)
    if not target.overwrite:
        refuse_others_rows(session.database, instance, _database_url(target).shown)


def _session(database_url: DatabaseUrl) -> AbstractContextManager[Session]:
    opener: Callable[[DatabaseUrl], AbstractContextManager[Session]] = imported(ENGINES[database_url.engine].session)
    return opener(database_url)


@contextmanager
def _existing(target: Target) -> Iterator[Session]:
    """A session on an existing database. A missing file is not created."""
    database_url = _database_url(target)
    if ENGINES[database_url.engine].is_file:
        path = output_path(database_url.path)
        with refusals(path):
            path.stat()
    with _session(database_url) as session:
        yield session


def _database_url(target: Target) -> DatabaseUrl:
    if target.database_url is not None:
        return target.database_url
    return DatabaseUrl(engine=target.format.partition("-")[0], path=target.path)


def _dialect(session: Session) -> Dialect:
    return LOADED[session.database.dialect]


def _objects(session: Session, instance: str) -> list[str]:
    there = relation_names(session.database)
    return [name for name in object_names(instance) if name in there]


def _staged(session: Session, instance: str) -> list[str]:
    """The names of staged tables that a killed load left."""
    mark = _dialect(session).staged
    names = {*object_names(f"{instance}{mark}"), *object_names(f"{instance}{mark * 2}")} if mark else set()
    return sorted(names & relation_names(session.database))


def _report(database_url: DatabaseUrl, tally: Tally, unchanged: bool = False) -> WriteReport:
    if not ENGINES[database_url.engine].is_file:
        return WriteReport((), tally.counts, 0, unchanged)
    path = output_path(database_url.path)
    with refusals(path):
        return WriteReport((path,), tally.counts, path.stat().st_size, unchanged)

"""The answer key beside an output: whoever ends the process, no output stands beside another one's key."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbed.cli.signals import Terminated
from seedbed.errors import TargetError
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write import Target, write

FORMATS = ("sqlite", "postgresql", "duckdb-file", "sqlite-file", "csv")
Parts = tuple[Part, ...]


class Stopped(BaseException):
    """The process is gone: nothing that it would still do happens."""


def targets(folder: Path, format_: str) -> Target:
    return Target(format=format_, path=str(folder / "out"), answer_key=str(folder / "key.csv"))


@pytest.fixture(params=FORMATS)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, parts: Parts, dataset: Dataset
) -> tuple[Target, bytes, bytes, Callable[[], None]]:
    """A target with an older output and its key, both keys, and the call that writes the newer ones."""
    target = targets(tmp_path, request.param)
    write(parts, dataset, target)
    new = (tmp_path / "key.csv").read_bytes()
    fewer = tuple(
        replace(part, tables={**part.tables, "answer_key": part["answer_key"].slice(0, 2)}) for part in parts
    )
    write(fewer, replace(dataset, seed=dataset.seed + 1), target)
    old = (tmp_path / "key.csv").read_bytes()
    assert old != new
    return target, old, new, lambda: write(parts, dataset, target) and None


def key(target: Target) -> bytes | None:
    path = Path(str(target.answer_key))
    return path.read_bytes() if path.exists() else None


def looks(target: Target) -> Any:
    """The output as it is, to be told from another."""
    path = Path(target.path)
    if not path.exists():
        return None
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    return path.read_bytes()


MOVES = ("replace", "rename")


@contextmanager
def ended(monkeypatch: pytest.MonkeyPatch, at: int, how: type[BaseException]) -> Iterator[list[int]]:
    """The process is ended at that move of a file or folder: before it (even) or after it (odd). Gives the count.

    Where it is gone for good (`Stopped`), later moves do not happen either.
    """
    count, gone = [0], [False]

    def wrapped(move: Callable[..., Any]) -> Callable[..., Any]:
        def moving(*arguments: Any, **named: Any) -> Any:
            if gone[0]:
                raise how
            here, count[0] = count[0], count[0] + 2
            if here == at:
                gone[0] = how is Stopped
                raise how
            result = move(*arguments, **named)
            if here + 1 == at:
                gone[0] = how is Stopped
                raise how
            return result

        return moving

    with monkeypatch.context() as patch:
        for name in MOVES:
            patch.setattr(os, name, wrapped(getattr(os, name)))
        yield count


@pytest.mark.parametrize("how", [Stopped, Terminated, OSError])
def test_an_end_at_any_move_leaves_no_output_beside_another_ones_key(
    pair: tuple[Target, bytes, bytes, Callable[[], None]], how: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, old_key, new_key, renew = pair
    old = looks(target)
    with ended(monkeypatch, -1, how) as count:
        renew()
    assert key(target) == new_key
    seen = set()
    for at in range(count[0]):
        write_old(target, old, old_key)
        with ended(monkeypatch, at, how), pytest.raises(BaseException):  # noqa: B017 - whatever it is told as
            renew()
        found = looks(target)
        output = "none" if found is None else "old" if found == old else "new"
        seen.add((output, {old_key: "old", new_key: "new", None: "none"}[key(target)]))
    assert ("old", "new") not in seen and ("new", "old") not in seen
    if how is not Stopped:
        assert seen <= {("old", "old"), ("new", "new")}


def test_an_output_whose_key_cannot_follow_is_named(
    pair: tuple[Target, bytes, bytes, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, old_key, _, renew = pair
    old = looks(target)

    def refused(*_: object) -> None:
        raise TargetError("key.csv: no space left")

    monkeypatch.setattr("seedbed.write.key_file.move_file", refused)
    with pytest.raises(TargetError) as told:
        renew()
    assert str(told.value) == f"key.csv: no space left; {target.path} is complete, but its answer key is missing"
    assert looks(target) != old and key(target) != old_key


def write_old(target: Target, old: Any, old_key: bytes) -> None:
    """Puts the older output and its key back as they were."""
    path = Path(target.path)
    if isinstance(old, dict):
        path.mkdir(exist_ok=True)
        for file in path.iterdir():
            file.unlink()
        for name, content in old.items():
            (path / name).write_bytes(content)
    else:
        path.write_bytes(old)
    Path(str(target.answer_key)).write_bytes(old_key)


def test_the_output_and_its_key_are_both_new_in_the_end(
    pair: tuple[Target, bytes, bytes, Callable[[], None]], tmp_path: Path
) -> None:
    target, _, new_key, renew = pair
    renew()
    assert key(target) == new_key
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.csv", "out"]

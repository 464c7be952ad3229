"""The journal of a resumable Parquet folder: the facts of the run, its finished groups, and what they hold.

It lies beside the folder until the folder is complete. It has one line of facts, then one line per finished group.
Every line has a checksum. A line with a wrong checksum is ignored, and so are all lines after it.
"""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any

import pyarrow as pa

from seedbed.errors import TargetError
from seedbed.ledger.columns import ANSWER_KEY
from seedbed.ledger.dataset import Dataset
from seedbed.write.facts import Sums, given_facts
from seedbed.write.source import PartSource, Passed
from seedbed.write.targets import shown

__all__ = ["Journal"]

NAME = "journal.jsonl"
# The version of the rule that assigns accounts to blocks and blocks to files. It changes with the rule, so that no
# run continues with files of another rule.
LAYOUT = "2"
# Most characters of a fact that a message shows.
SHORT = 60


class Journal:
    """The journal in `folder`. The files of every group in it are complete."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._omitted: list[tuple[str, str]] = []

    def recall(self, source: PartSource, dataset: Dataset, folder: Path) -> int:
        """The number of finished groups whose files have the digests in the journal.

        Adds their counts to `source` and reports them to its watchers. Removes other files from `folder`. Raises
        `TargetError` if the facts differ.
        """
        self.check(dataset)
        lines = list(self._lines())
        finished = []
        for line in lines[1:]:
            if any(_digest(folder / name) != digest for name, digest in line["files"].items()):
                break
            finished.append(line)
        kept = {name for line in finished for name in line["files"]}
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
        self._path.write_text("".join(map(_text, (_facts(dataset), *finished))), encoding="utf-8", newline="\n")
        if finished:
            source.sums = Sums.from_json(finished[-1]["sums"])
            omitted = tuple((plant, reason) for line in finished for plant, reason in line["omitted"])
            source.tell(Passed(source.counts.rows["transactions"], _answer_key(folder, kept), omitted))
        source.watchers.append(self._note)
        return len(finished)

    def check(self, dataset: Dataset, but: Sequence[str] = ()) -> None:
        """Raise `TargetError` if an unfinished run has other facts. Facts in `but` are not compared."""
        facts, kept = _facts(dataset), next(self._lines(), None)
        if kept is None or kept == facts:
            return
        differing = [name for name in facts if kept.get(name) != facts[name] and name not in but]
        if differing or not but:
            named = ", ".join(_named(name, kept.get(name)) for name in differing)
            raise TargetError(
                f"{shown(self._path.parent)} holds an unfinished run with other settings ({named}); "
                "give the same settings, or delete that folder"
            )

    def add(self, folder: Path, names: list[str], sums: Sums) -> None:
        """Adds a finished group: its files, the sums of all groups so far, and the omitted plants."""
        line = {
            "files": {name: _digest(folder / name) for name in names},
            "sums": sums.to_json(),
            "omitted": self._omitted,
        }
        self._omitted = []
        with self._path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(_text(line))

    def _note(self, passed: Passed) -> None:
        self._omitted += passed.omitted

    def _lines(self) -> Iterator[dict[str, Any]]:
        """The lines before the first incomplete or damaged one. An interrupted run may leave an incomplete line."""
        if not self._path.exists():
            return
        for text in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            line = _line(text)
            if line is None:
                return
            yield line


def _named(name: str, value: str | None) -> str:
    """The name of a fact of the unfinished run, with its value if the value is short."""
    return name if value is None or value == "None" or len(value) > SHORT else f"{name} {value}"


def _text(line: Mapping[str, Any]) -> str:
    """A line of the journal, with its checksum."""
    return f"{json.dumps({**line, 'check': _check(line)})}\n"


def _line(text: str) -> dict[str, Any] | None:
    """The content of a line without its checksum. None if the checksum is wrong."""
    try:
        line = json.loads(text)
        check = line.pop("check")
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    return line if check == _check(line) else None


def _check(line: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(line).encode(), digest_size=8).hexdigest()


def _facts(dataset: Dataset) -> Mapping[str, str]:
    """Everything that the bytes of the files depend on."""
    from seedbed import __version__  # noqa: PLC0415 - the package's own module imports all others

    facts = {name: str(value) for name, value in given_facts(dataset).items()}
    return {
        **facts,
        "layout": LAYOUT,
        "seedbed": __version__,
        "pyarrow": pa.__version__,
        "machine": platform.machine(),
    }


def _digest(path: Path) -> str:
    """The digest of a file. Empty if the file does not exist."""
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "blake2b").hexdigest()
    except FileNotFoundError:
        return ""


def _answer_key(folder: Path, names: set[str]) -> pa.Table:
    from pyarrow.parquet import read_table  # noqa: PLC0415 - 30 ms that only a resumed run needs

    found = [read_table(folder / name) for name in sorted(names) if name.startswith(ANSWER_KEY.name)]
    schema = ANSWER_KEY.arrow_schema()
    return pa.concat_tables([table.cast(schema) for table in found] or [schema.empty_table()])

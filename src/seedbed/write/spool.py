"""Keeps the text of workers in files until the writer copies it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from seedbed.ledger.dataset import Part
from seedbed.write.text import Lines

__all__ = ["Spool"]


@dataclass(frozen=True)
class Spool:
    """Makes text and leaves it in files of a folder.

    The text needs no memory while it waits. It crosses no pipe, which would copy it four times.
    """

    make: Callable[[int, Iterable[Part]], Iterator[tuple[str, Lines]]]
    folder: str

    def __call__(self, number: int, parts: Iterable[Part]) -> Iterator[tuple[str, Lines]]:
        """The rows of group `number`, one `Lines` per table."""
        found: dict[str, list[Lines]] = {}
        with ExitStack() as open_files:
            files: dict[str, BinaryIO] = {}
            for name, lines in self.make(number, parts):
                if name not in files:
                    files[name] = open_files.enter_context(Path(self.folder, f"{name}-{number}").open("xb"))
                files[name].write(lines.taken())
                found.setdefault(name, []).append(replace(lines, text=b""))
        for name, file in files.items():
            lengths = [each.lengths for each in found[name] if each.lengths is not None]
            rows = sum(each.rows for each in found[name])
            yield name, Lines(Path(file.name), rows, np.concatenate(lengths) if lengths else None)

"""Scores a detector: its detections and the answer key in, precision and recall out.

**Positives** are the plants that the answer key labels `exception`, and the exceptions that the baseline leaves open
(`incomplete_chain`, `structural`). Each counts once, however many rows it has.

**A detection** is a text that names a leg (`id`), a transfer (`transfer_id`), an account-day (`account/date`) or a
row of a view (`view_key`). A plant has many names: every leg and stored balance that it made, the transfers and
account-days of these legs (the account's business day), and its own view keys. An exception of the baseline has its
view key as a name, and the legs, transfers and account-days behind it. Detections are a set, so a repeated detection
counts once.

**Collateral.** A view key of collateral names a row of a view and no plant. As a detection it is true, but it finds
no positive. If the same text is also the account-day of a leg, it counts as collateral.

**A breached account-day** is a sum. All of its legs, their transfers and the account-day itself are true detections,
even if a plant did not make them. Only the plant's own legs and transfers find the plant.

**Figures.** A detection is true if it names a positive, a row of an exception view that the answer key lists, or a
part of a breached account-day. Every other detection is false: it names a hard negative, else activity (a plant that
is not an exception), else nothing in the answer key (`unlisted`). Precision is true detections over all detections.
Recall is found positives over all positives. F1 is their harmonic mean. A figure without a divisor is None. Per kind
and difficulty, recall counts the positives of that kind or difficulty, and `hard_negatives_hit` counts the
look-alikes that a false detection names.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.checks.subject import Subject
from seedbed.databases.reader import open_database, the_instance
from seedbed.errors import InputError, one_line
from seedbed.notebook import html_table
from seedbed.views import EXCEPTION_VIEWS, KEYED_BY
from seedbed.views.declarations import CAP_COLUMNS, cap_lines, capped_legs, under_cap
from seedbed.write.targets import shown

__all__ = ["Score", "ScoredLine", "read_detections", "score"]

POSITIVE = frozenset(("exception", "incomplete_chain", "structural"))
COLUMNS = ("id", "key", "transaction_id", "transfer_id", "view_key")
# The difficulties of plants. Exceptions of the baseline have none.
DIFFICULTIES = ("easy", "medium", "hard", "none")
SHOWN_UNLISTED = 10
# Texts in one IN list.
LISTED_TEXTS = 500
PARQUET_MARK = b"PAR1"


@dataclass(frozen=True)
class ScoredPlant:
    """One plant, to find or to leave alone, with all texts that name it."""

    kind: str
    label: str
    difficulty: str
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class ScoredLine:
    """The figures of one kind or difficulty."""

    name: str
    positives: int
    found: int
    hard_negatives: int
    hard_negatives_hit: int

    @property
    def recall(self) -> float | None:
        """Found over positives."""
        return _share(self.found, self.positives)


@dataclass(frozen=True, kw_only=True, repr=False)
class Score:
    """The figures of one set of detections; `unlisted` has the first few that name nothing in the answer key."""

    instance: str
    detections: int
    true_positives: int
    false_positives: dict[str, int]
    positives: int
    found: int
    kinds: tuple[ScoredLine, ...]
    difficulties: tuple[ScoredLine, ...]
    unlisted: tuple[str, ...]

    def __repr__(self) -> str:
        precision, recall = ("none" if share is None else f"{share:.1%}" for share in (self.precision, self.recall))
        return f"<Score on {self.instance}: {self.detections:,} detections; precision {precision}, recall {recall}>"

    def _repr_html_(self) -> str:
        """The same for a notebook, with one line per kind."""
        columns = ("kind", "plants", "found", "look-alikes", "look-alikes hit")
        lines = ((k.name, k.positives, k.found, k.hard_negatives, k.hard_negatives_hit) for k in self.kinds)
        return html_table(repr(self)[1:-1], columns, lines)

    @property
    def precision(self) -> float | None:
        """True detections over all detections."""
        return _share(self.true_positives, self.detections)

    @property
    def recall(self) -> float | None:
        """Positives found over all positives."""
        return _share(self.found, self.positives)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def read_detections(path: str) -> frozenset[str]:
    """The detections in a CSV file with a header, or a Parquet file: the first column of a known name (`COLUMNS`).

    Raises `InputError` for a file that cannot be read as either or has no such column.
    """
    try:
        with Path(path).open("rb") as stream:
            is_parquet = stream.read(len(PARQUET_MARK)) == PARQUET_MARK
        values = _parquet(path) if is_parquet else _csv(path)
        return frozenset(text for value in values if (text := value.strip()))
    except OSError as error:
        raise InputError(f"{shown(path)}: {one_line(error.strerror or str(error))}") from error
    except (UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"{shown(path)}: the file is not CSV in UTF-8 or Parquet") from error


def _chosen(names: list[str], path: str, where: str) -> int:
    """The column with the detections. `where` tells, for messages, where the file has the names of its columns."""
    if not names:
        raise InputError(f"{shown(path)}: it has no columns")
    plain = [name.strip().lower() for name in names]
    known = [plain.index(name) for name in COLUMNS if name in plain]
    if not known:
        raise InputError(f"{shown(path)}: {where} has none of the columns {', '.join(COLUMNS)}")
    return known[0]


def _parquet(path: str) -> Iterator[str]:
    file = pq.ParquetFile(path)
    name = file.schema_arrow.names[_chosen(file.schema_arrow.names, path, "its schema")]
    for batch in file.iter_batches(columns=[name]):
        yield from (str(value) for value in batch.column(0).to_pylist() if value is not None)


def _csv(path: str) -> Iterator[str]:
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream)
        column = _chosen(next(rows, []), path, "the header line")
        yield from (row[column] for row in rows if len(row) > column)


def score(url: str, detections: Iterable[str], instance: str | None = None) -> Score:
    """The figures of these detections against the answer key of an instance, as the module's docstring defines them.

    Raises `InputError` if the instance or its answer key does not exist, `TargetError` for a database error.
    """
    with open_database(url) as database:
        subject = Subject(database, the_instance(database, instance))
        if not subject.has_answer_key:
            raise InputError(f"{subject.instance} has no answer key; score needs one")
        plants = _plants(subject)
        surfacing = frozenset().union(*(subject.listed(view) for view in EXCEPTION_VIEWS))
        surfacing |= _parts_of_breaches(subject)
    return _scored(subject.instance, plants, surfacing, frozenset(detections))


def _plants(subject: Subject) -> list[ScoredPlant]:
    """All plants with their names."""
    plants: dict[str, ScoredPlant] = {}
    of_leg: dict[str, list[ScoredPlant]] = {}
    of_transfer: dict[str, list[ScoredPlant]] = {}
    collateral, own_keys = set(), set()
    for line in subject.answer_key:
        own = line.label not in ("incomplete_chain", "structural")
        identity = line.plant_id if own else f"{line.plant_id}/{line.place}/{line.key}"
        plant = plants.setdefault(identity, ScoredPlant(line.kind, line.label, line.difficulty))
        if line.item == "plant":
            continue
        if line.item == "collateral":
            collateral.add(line.key)
            continue
        own_keys.add(line.key)
        plant.names.add(line.key)
        keyed_by = None if own else KEYED_BY.get(line.place)
        if line.place == "transactions" or keyed_by == "leg":
            of_leg.setdefault(line.key, []).append(plant)
        elif keyed_by == "transfer/name":
            of_transfer.setdefault(line.key.partition("/")[0], []).append(plant)
    nobodys = collateral - own_keys
    for leg, transfer, account_day in _legs(subject, "id", of_leg):
        for plant in of_leg[leg]:
            plant.names.update({leg, transfer, account_day} - nobodys)
    for leg, transfer, account_day in _legs(subject, "transfer_id", of_transfer):
        for plant in of_transfer[transfer]:
            plant.names.update({leg, transfer, account_day} - nobodys)
    return list(plants.values())


def _legs(subject: Subject, column: str, wanted: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(leg, transfer, account-day) of the current legs that have one of these texts in a column."""
    texts, name = sorted(wanted), subject.name("current_transactions")
    s = subject.sql
    for start in range(0, len(texts), LISTED_TEXTS):
        listed = s.names(texts[start : start + LISTED_TEXTS])
        yield from subject.rows(
            f"""SELECT id, transfer_id, {s.joined("account_id", "'/'", s.day_text("day"))} FROM (
  SELECT t.id, t.transfer_id, t.account_id, {s.business_day("t.posting", "t.account_role")} AS day
  FROM {name} t WHERE t.{column} IN ({listed})) legs"""
        )


def _parts_of_breaches(subject: Subject) -> frozenset[str]:
    """The legs, transfers and account-days of the payments that the answer key lists as above a cap."""
    s, listed = subject.sql, sorted(subject.listed("limit_breach"))
    account_day = s.joined("account_id", "'/'", s.day_text("day"))
    found: set[str] = set()
    for start in range(0, len(listed), LISTED_TEXTS):
        keys = s.names(listed[start : start + LISTED_TEXTS])
        for row in subject.rows(
            f"""WITH {s.relation("caps", CAP_COLUMNS, cap_lines(subject.bank))}
SELECT id, transfer_id, {account_day} FROM (
  SELECT t.id, t.transfer_id, t.account_id, c.subject, {s.business_day("t.posting", "t.account_role")} AS day
  FROM {subject.name("current_transactions")} t JOIN caps c ON {under_cap("c", "t")}
  WHERE t.status = 'Posted' AND {capped_legs(subject.bank, "t")}) legs
WHERE {s.joined(account_day, "'/'", "subject")} IN ({keys})"""
        ):
            found.update(row)
    return frozenset(found)


def _scored(instance: str, plants: list[ScoredPlant], surfacing: frozenset[str], detections: frozenset[str]) -> Score:
    """The figures. `surfacing` has the keys of all rows of exception views and all parts of breached account-days."""
    named: dict[str, set[str]] = {key: {"positive"} for key in surfacing & detections}
    for plant in plants:
        for name in plant.names & detections:
            named.setdefault(name, set()).add("positive" if plant.label in POSITIVE else plant.label)
    ranks = ("positive", "hard_negative", "activity")
    best = {name: next(rank for rank in ranks if rank in labels) for name, labels in named.items()}
    unlisted = sorted(detections - named.keys())
    counts = {rank: sum(label == rank for label in best.values()) for rank in ranks}
    counts["unlisted"] = len(unlisted)
    true_positives = counts.pop("positive")
    false = frozenset(name for name, label in best.items() if label != "positive")
    positives = [plant for plant in plants if plant.label in POSITIVE]
    return Score(
        instance=instance,
        detections=len(detections),
        true_positives=true_positives,
        false_positives=counts,
        positives=len(positives),
        found=sum(not plant.names.isdisjoint(detections) for plant in positives),
        kinds=_lines(plants, detections, false, "kind"),
        difficulties=_lines(plants, detections, false, "difficulty"),
        unlisted=tuple(unlisted[:SHOWN_UNLISTED]),
    )


def _lines(
    plants: list[ScoredPlant], detections: frozenset[str], false: frozenset[str], by: str
) -> tuple[ScoredLine, ...]:
    """The figures per value of an attribute: kinds in the order of the answer key, difficulties from easy to hard."""
    groups: dict[str, list[int]] = {}
    for plant in plants:
        if plant.label not in POSITIVE and plant.label != "hard_negative":
            continue
        counts = groups.setdefault(getattr(plant, by), [0, 0, 0, 0])
        first, found = (0, detections) if plant.label in POSITIVE else (2, false)
        counts[first] += 1
        counts[first + 1] += not plant.names.isdisjoint(found)
    ordered = sorted(groups, key=lambda name: DIFFICULTIES.index(name) if name in DIFFICULTIES else 0)
    counted = ("positives", "found", "hard_negatives", "hard_negatives_hit")
    return tuple(ScoredLine(name=name, **dict(zip(counted, groups[name], strict=True))) for name in ordered)

"""`seedbed score`: figures of detectors whose worth is known."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seedbed.check.score import Score, read_detections, score
from seedbed.cli.main import run
from seedbed.connect import open_database
from seedbed.views import EXCEPTION_VIEWS

from .conftest import Loaded


def rows(url: str, query: str) -> set[str]:
    with open_database(url) as database:
        return {text for (text,) in database.rows(query)}


@pytest.fixture
def url(loaded: Loaded) -> str:
    return loaded("harbor_trust")


def key_of(url: str, condition: str) -> set[str]:
    return rows(url, f"SELECT key FROM harbor_trust_answer_key WHERE {condition}")


def recalls(found: Score) -> dict[str, float | None]:
    return {line.name: line.recall for line in found.kinds}


def test_the_answer_key_itself_scores_full_marks(url: str) -> None:
    found = score(url, key_of(url, "item = 'view' AND label <> 'activity'"))
    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert found.false_positives == {"hard_negative": 0, "activity": 0, "unlisted": 0}


def test_the_exception_views_find_all_but_the_fanout(url: str) -> None:
    query = " UNION ALL ".join(f"SELECT view_key FROM harbor_trust_{view}" for view in EXCEPTION_VIEWS)
    found = score(url, rows(url, query))
    assert found.precision == 1.0
    assert {kind for kind, recall in recalls(found).items() if recall not in (1.0, None)} == {"inv_fanout"}


def test_one_leg_finds_its_plant_and_so_does_its_transfer(url: str) -> None:
    leg = min(key_of(url, "item = 'row' AND kind = 'supersession' AND label = 'exception'"))
    (transfer,) = rows(url, f"SELECT transfer_id FROM harbor_trust_current_transactions WHERE id = '{leg}'")
    for detections in ({leg}, {transfer}, {leg, transfer}):
        found = score(url, detections)
        assert (found.true_positives, found.found, recalls(found)["supersession"]) == (len(detections), 1, 0.2)


def test_a_row_that_a_plant_dragged_along_finds_the_plant(url: str) -> None:
    with open_database(url) as database:
        rows = "FROM harbor_trust_answer_key WHERE item = 'collateral' AND label = 'exception'"
        [(plant, kind, collateral)] = database.rows(f"SELECT plant_id, kind, key {rows} ORDER BY line LIMIT 1")
        [(sharing,)] = database.rows(f"SELECT COUNT(DISTINCT plant_id) {rows} AND key = '{collateral}'")
    found = score(url, [collateral])
    assert (found.true_positives, found.found, found.unlisted) == (1, sharing, ())
    assert plant.startswith(kind)
    assert {line.name: line.found for line in found.kinds if line.found} == {kind: sharing}


def test_what_is_no_exception_is_a_false_positive(url: str) -> None:
    hard = key_of(url, "item = 'row' AND label = 'hard_negative'")
    activity = key_of(url, "item = 'row' AND kind = 'rail_firing' AND label = 'activity'")
    found = score(url, hard | activity | {"nobody", "nothing"})
    assert (found.precision, found.found, found.f1) == (0.0, 0, 0.0)
    assert found.false_positives == {"hard_negative": len(hard), "activity": len(activity), "unlisted": 2}
    assert found.unlisted == ("nobody", "nothing")
    assert all(line.hard_negatives_hit == line.hard_negatives for line in found.kinds)


def test_an_incomplete_chain_is_found_by_its_transfer(url: str) -> None:
    key = min(key_of(url, "label = 'incomplete_chain'"))
    for detection in (key, key.partition("/")[0]):
        assert score(url, [detection]).found == 1


def test_difficulties_go_from_easy_to_hard(url: str) -> None:
    assert [line.name for line in score(url, []).difficulties] == ["easy", "medium", "hard", "none"]


def test_no_detections_have_no_precision(url: str) -> None:
    found = score(url, [])
    assert (found.precision, found.recall, found.f1) == (None, 0.0, None)


def test_csv_and_parquet_are_read_alike(tmp_path: Path) -> None:
    wanted = frozenset(("a", "b/2", "c"))
    with (tmp_path / "found.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["score", "transaction_id"], *(["1", text] for text in [*wanted, "a", " "])])
    pq.write_table(pa.table({"score": [1, 2, 3, 4], "key": [*wanted, None]}), tmp_path / "found.parquet")
    assert read_detections(str(tmp_path / "found.csv")) == wanted
    assert read_detections(str(tmp_path / "found.parquet")) == wanted


def test_the_command_reports_and_refuses(
    url: str, loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "found.csv"
    path.write_text("id\n" + "\n".join(key_of(url, "place = 'drift'")) + "\nnobody\n")
    assert run(["score", url, "--detections", str(path), "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert (answer["detections"], answer["true_positives"]) == (6, 5)
    assert run(["score", url, "--detections", str(path)]) == 0
    assert "not in the answer key: nobody" in capfd.readouterr().out
    path.write_text("transaction\nnobody\n")
    assert run(["score", url, "--detections", str(path)]) == 2
    assert "the header in its first line names none of id, key" in capfd.readouterr().err
    pq.write_table(pa.table({"transaction": ["nobody"]}), path)
    assert run(["score", url, "--detections", str(path)]) == 2
    assert "its schema names none of id, key" in capfd.readouterr().err
    assert run(["score", url, "--detections", str(tmp_path / "missing.csv")]) == 2
    path.write_bytes(b"PAR1 but not really")
    assert run(["score", url, "--detections", str(path)]) == 2
    path.write_bytes(b"id\n\xff\xfe\n")
    assert run(["score", url, "--detections", str(path)]) == 2
    assert capfd.readouterr().err.count("\n") == 3

"""`seedbed score`: figures of detectors whose worth is known."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seedbed.checks.score import Score, read_detections, score
from seedbed.cli.main import run
from seedbed.databases.reader import open_database
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


def test_a_collateral_key_is_true_once_and_finds_no_plant(url: str) -> None:
    own = "SELECT key FROM harbor_trust_answer_key WHERE item IN ('view', 'row')"
    collateral = key_of(url, f"item = 'collateral' AND key NOT IN ({own})")
    assert collateral
    found = score(url, collateral)
    assert (found.true_positives, found.precision, found.found, found.unlisted) == (len(collateral), 1.0, 0, ())


def legs_of(url: str, condition: str) -> set[tuple[str, str, str]]:
    """(leg, transfer, account-day) of rows that plants made."""
    keys = f"SELECT key FROM harbor_trust_answer_key WHERE place = 'transactions' AND {condition}"
    with open_database(url) as database:
        return set(
            database.rows(
                "SELECT id, transfer_id, account_id || '/' || strftime(posting, '%Y-%m-%d') "
                f"FROM harbor_trust_current_transactions WHERE id IN ({keys})"
            )
        )


@pytest.mark.parametrize("kind", ["limit_breach", "stuck_pending", "stuck_unbundled", "supersession", "inv_fanout"])
@pytest.mark.parametrize("form", ["leg", "transfer", "account-day", "view key"])
def test_every_documented_form_of_a_detection_finds_its_plant(url: str, tmp_path: Path, kind: str, form: str) -> None:
    condition = f"plant_id = '{kind}-001'"
    if form == "view key":
        view = kind if kind != "inv_fanout" else "volume_anomalies"
        view = "supersession_audit" if kind == "supersession" else view
        names = key_of(url, f"{condition} AND item = 'view' AND place = '{view}'")
    else:
        place = ("leg", "transfer", "account-day").index(form)
        names = {legs[place] for legs in legs_of(url, condition)} - key_of(url, "item = 'collateral'")
    path = tmp_path / "found.csv"
    path.write_text("id\n" + "\n".join(f'"{name}"' for name in names) + "\n")
    found = score(url, read_detections(str(path)))
    assert {line.name: line.found for line in found.kinds}[kind] >= 1
    assert (found.true_positives, found.unlisted) == (len(names), ())
    for name in names:
        assert score(url, [name]).found >= 1


def test_a_drift_is_found_by_its_account_day(url: str) -> None:
    for account_day in key_of(url, "kind = 'drift' AND item = 'row' AND label = 'exception'"):
        assert {line.name: line.found for line in score(url, [account_day]).kinds}["drift"] == 1


def test_whatever_makes_up_a_breached_account_day_is_true(url: str) -> None:
    key = min(key_of(url, "place = 'limit_breach' AND item = 'view'"))
    account, day, kind = key.split("/")
    parts = rows(
        url,
        f"""SELECT UNNEST([id, transfer_id]) FROM harbor_trust_current_transactions
WHERE account_id = '{account}' AND CAST(posting AS date) = DATE '{day}' AND transfer_type = '{kind}'
  AND status = 'Posted' AND amount_money < 0""",
    )
    found = score(url, {key, f"{account}/{day}", *parts})
    assert found.false_positives == {"hard_negative": 0, "activity": 0, "unlisted": 0}
    assert {line.name: line.found for line in found.kinds}["limit_breach"] == 1


@pytest.mark.parametrize("options", [(), ("--blend",)], ids=["plain", "blended"])
def test_so_is_whatever_makes_up_a_breach_of_an_inbound_cap(loaded: Loaded, options: tuple[str, ...]) -> None:
    url = loaded("river_union", "duckdb", *options)
    keys = "SELECT key FROM river_union_answer_key WHERE kind = 'inbound_breach' AND item = 'view'"
    key = min(rows(url, keys))
    account, day, kind, _ = key.split("/")
    parts = rows(
        url,
        f"""SELECT UNNEST([id, transfer_id]) FROM river_union_current_transactions
WHERE account_id = '{account}' AND CAST(posting AS date) = DATE '{day}' AND transfer_type = '{kind}'
  AND status = 'Posted' AND amount_money > 0""",
    )
    found = score(url, {key, f"{account}/{day}", *parts})
    assert found.false_positives == {"hard_negative": 0, "activity": 0, "unlisted": 0}
    assert {line.name: line.found for line in found.kinds}["inbound_breach"] == 1


def test_transfers_of_a_breach_that_no_plant_made_are_true_and_find_no_plant(loaded: Loaded) -> None:
    url = loaded("harbor_trust", "duckdb", "--blend")
    parts = """SELECT {0} FROM harbor_trust_current_transactions t JOIN harbor_trust_limit_breach b
  ON b.account_id = t.account_id AND b.business_day = CAST(t.posting AS date) AND b.transfer_type = t.transfer_type
WHERE t.status = 'Posted' AND t.amount_money < 0
  AND t.id NOT IN (SELECT key FROM harbor_trust_answer_key WHERE place = 'transactions')"""
    strangers = rows(url, parts.format("t.id")) | rows(url, parts.format("t.transfer_id"))
    assert strangers
    found = score(url, strangers)
    assert (found.precision, found.found, found.unlisted) == (1.0, 0, ())


def test_a_look_alike_is_hit_only_by_what_names_no_exception(url: str) -> None:
    account_days = {account_day for *_, account_day in legs_of(url, "label = 'hard_negative'")}
    shared = account_days & {account_day for *_, account_day in legs_of(url, "label = 'exception'")}
    assert shared
    found = score(url, shared)
    assert found.true_positives == len(shared)
    assert not any(line.hard_negatives_hit for line in found.kinds)


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
    assert "the header line has none of the columns id, key" in capfd.readouterr().err
    pq.write_table(pa.table({"transaction": ["nobody"]}), path)
    assert run(["score", url, "--detections", str(path)]) == 2
    assert "its schema has none of the columns id, key" in capfd.readouterr().err
    assert run(["score", url, "--detections", str(tmp_path / "missing.csv")]) == 2
    path.write_bytes(b"PAR1 but not really")
    assert run(["score", url, "--detections", str(path)]) == 2
    path.write_bytes(b"id\n\xff\xfe\n")
    assert run(["score", url, "--detections", str(path)]) == 2
    assert capfd.readouterr().err.count("\n") == 3

"""Nothing in the data tells a plant: a classifier that sees how rows are written does no better than chance.

Ids, the shape of metadata, the order of entries and the time of day must say nothing; blended, neither must account,
amount or roundness. Limit breaches and fan-outs are left out there: their amounts are what is wrong with them.
"""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from .conftest import SLOW_NAMES, Planted

Floats = npt.NDArray[np.float64]

# Enough plants of every kind for a classifier to learn from.
MANY = (
    ("drift", 5),
    ("overdraft", 2),
    ("limit_breach", 10),
    ("stuck_pending", 40),
    ("stuck_unbundled", 30),
    ("supersession", 40),
    ("rail_firing", 1500),
)
FEWEST = 25

ROWS = """
with first as (
    select *, rank() over (partition by rail_name order by entry) as by_entry,
           rank() over (partition by rail_name order by posting, entry) as by_posting
    from (select * from tx qualify row_number() over (partition by id order by entry) = 1)
    where rail_name <> 'OpeningBalance'),
plants as (
    select distinct key as id from key
    where item = 'row' and place = 'transactions' and label <> 'hard_negative' and kind not in ({left_out}))
select f.*, p.id is not null as planted
from first f left join plants p on p.id = f.id
where p.id is not null or f.transfer_id in (select transfer_id from ordinary)
order by f.rail_name, f.entry
"""

WRITTEN = """
    ascii(id[1]), ascii(id[5]), ascii(id[10]), ascii(id[15]), ascii(id[20]), ascii(id[25]), length(id),
    entry % 16, entry % 512, (entry >> 14) % 1024,
    coalesce(length(metadata), 0), coalesce(len(regexp_extract_all(metadata, '[a-z]')), 0),
    coalesce(len(regexp_extract_all(metadata, '[A-Z]')), 0), coalesce(len(regexp_extract_all(metadata, '[0-9]')), 0),
    coalesce(len(regexp_extract_all(metadata, '[-_ ]')), 0), by_entry - by_posting,
    extract(hour from posting) * 3600 + extract(minute from posting) * 60 + extract(second from posting),
    extract(second from posting), extract(minute from posting)
"""
WHAT = """, hash(account_id) % 1009, ln(abs(amount_money) + 0.01), (abs(amount_money) * 100)::bigint % 100,
    (abs(amount_money) * 100)::bigint % 10, (abs(amount_money) * 100)::bigint % 500"""


def _areas(planted: Planted, name: str, blend: bool, columns: str) -> dict[str, tuple[float, float]]:
    """Per rail the area under the curve, cross-validated, and its standard error under pure chance."""
    _, _, con = planted(name, blend=blend, counts=MANY, hard_negatives=False)
    con.execute(
        "create or replace temp table ordinary as select distinct transfer_id from tx where transfer_id not in "
        "(select distinct transfer_id from tx where id in (select key from key where item = 'row'))"
    )
    left_out = "'limit_breach', 'inv_fanout', 'overdraft'" if blend else "''"
    con.execute(f"create or replace temp table seen as {ROWS.format(left_out=left_out)}")
    areas = {}
    for (rail,) in con.sql("select distinct rail_name from seen where planted order by 1").fetchall():
        rows = con.execute(
            f"select planted, hash(transfer_id) % 1000000007 as transfer, {columns} from seen where rail_name = ?",
            [rail],
        ).fetchnumpy()
        labels, transfers = rows.pop("planted").astype(bool), rows.pop("transfer")
        features = np.column_stack([np.asarray(column, dtype=np.float64) for column in rows.values()])
        few = int(min(labels.sum(), (~labels).sum()))
        if few >= FEWEST:
            areas[rail] = _area(features, labels, transfers)
    assert len(areas) > 2
    return areas


def _area(features: Floats, labels: npt.NDArray[np.bool_], transfers: npt.NDArray[np.uint64]) -> tuple[float, float]:
    """No transfer is both learned from and asked about: its legs share id and time, and count as one in the error."""
    model = RandomForestClassifier(60, min_samples_leaf=5, class_weight="balanced", random_state=0, n_jobs=1)
    folds = StratifiedGroupKFold(4, shuffle=True, random_state=0)
    scores = cross_val_predict(model, features, labels, groups=transfers, cv=folds, method="predict_proba")[:, 1]
    order = np.argsort(np.argsort(scores)) + 1.0
    ones, zeros = float(labels.sum()), float((~labels).sum())
    area = (order[labels].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    legs = len(labels) / len(np.unique(transfers))
    return float(area), float(np.sqrt(legs * (ones + zeros + 1) / (12 * ones * zeros)))


@pytest.mark.parametrize("name", SLOW_NAMES)
@pytest.mark.parametrize("blend", [False, True])
def test_the_way_rows_are_written_tells_nothing(planted: Planted, name: str, blend: bool) -> None:
    for rail, (area, error) in _areas(planted, name, blend, WRITTEN).items():
        assert area < 0.5 + 4.5 * error, (rail, area, error)


@pytest.mark.parametrize("name", SLOW_NAMES)
def test_blended_neither_account_nor_amount_tells_anything(planted: Planted, name: str) -> None:
    for rail, (area, error) in _areas(planted, name, True, WRITTEN + WHAT).items():
        assert area < 0.5 + 4.5 * error, (rail, area, error)


def test_the_classifier_finds_what_there_is_to_find(planted: Planted) -> None:
    """Unblended, accounts and round amounts give the plants away; so the test above can fail."""
    areas = _areas(planted, "spec_example", False, WRITTEN + WHAT)
    assert min(area for area, _ in areas.values()) > 0.95

"""Converts the shares of a group of blocks to bytes and to the text of an option. It stores arrays and no pickles."""

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from seedbed.assembly.foundation import Shares
from seedbed.baseline.sweeps import TickTotals
from seedbed.errors import InputError
from seedbed.ledger.dataset import Dataset
from seedbed.write.facts import given_facts

__all__ = ["from_bytes", "from_option", "seal_of", "to_bytes", "to_option"]

MAPPINGS = ("children", "spent", "paid")


def seal_of(dataset: Dataset) -> str:
    """A short hash of the facts that the first pass depends on, which are those of the baseline."""
    facts = {name: str(value) for name, value in given_facts(dataset).items() if name != "scenario"}
    return blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=8).hexdigest()


def to_bytes(shares: Shares) -> bytes:
    """The shares as an archive of arrays. A mapping becomes its keys as JSON and one array of its values."""
    arrays: dict[str, Any] = {"nets": shares.nets}
    arrays |= {name: getattr(shares.totals, name) for name in ("cents", "count", "latest")}
    keys = {}
    for name in MAPPINGS:
        mapping: Mapping[Any, Any] = getattr(shares, name)
        keys[name] = list(mapping)
        arrays[name] = np.stack(list(mapping.values())) if mapping else np.empty(0, np.int64)
    stream = io.BytesIO()
    np.savez_compressed(stream, keys=np.frombuffer(json.dumps(keys).encode(), np.uint8), **arrays)
    return stream.getvalue()


def from_bytes(content: bytes) -> Shares:
    """Reads what `to_bytes` wrote. Raises ValueError, KeyError, EOFError or zipfile.BadZipFile for other bytes."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        keys = json.loads(arrays["keys"].tobytes())
        children, spent, paid = (dict(zip(keys[name], arrays[name], strict=True)) for name in MAPPINGS)
        totals = TickTotals(arrays["cents"], arrays["count"], arrays["latest"])
        return Shares(totals=totals, nets=arrays["nets"], children=children, spent=spent, paid=paid)


def to_option(seal: str, shares: Shares) -> str:
    """The shares of all blocks as the text of an option."""
    return f"{seal}:{base64.b64encode(to_bytes(shares)).decode()}"


def from_option(text: str, dataset: Dataset) -> Shares:
    """The shares in a text of `to_option`. Raises InputError for other text, and for shares of another dataset."""
    seal, _, content = text.partition(":")
    try:
        shares = from_bytes(base64.b64decode(content, validate=True))
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        raise InputError("first_pass: the value does not come from seedbed.spark.first_pass") from None
    if seal != seal_of(dataset):
        raise InputError("first_pass: the value was made with another instance, anchor, window, accounts or seed")
    return shares

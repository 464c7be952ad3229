"""The meanings of whole numbers: names for the values that the core passes on, each with its unit.

Most are aliases: `Cents` and `SecondOrdinal` are both `int`, and an array of cents is an array of int64. They tell
readers what a number is and cost nothing at run time. `RailIndex`, `CapIndex` and `NodeIndex` are types of their own:
all are keys of mappings, and the type checker then refuses one for the other.
"""

from datetime import date
from typing import NewType, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "DAY_SECONDS",
    "EPOCH_ORDINAL",
    "AccountIndex",
    "AccountIndices",
    "AccountNumbers",
    "BlockNumber",
    "BlockNumbers",
    "CapIndex",
    "CapSlots",
    "Cents",
    "CentsArray",
    "ClassIndex",
    "ClassIndices",
    "DayOrdinal",
    "DayOrdinals",
    "DayRow",
    "Entries",
    "Flags",
    "Integers",
    "NodeIndex",
    "NodeIndices",
    "RailIndex",
    "RailPosition",
    "SecondOfDay",
    "SecondOrdinal",
    "SecondOrdinals",
    "Seconds",
    "TickIndex",
    "TickIndices",
    "TransferIndices",
    "Word",
    "Words",
]

DAY_SECONDS = 86_400
# The day ordinal of 1970-01-01.
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

# ---- single values ---------------------------------------------------------------------------------------------

Cents: TypeAlias = int  # Hundredths of the bank's currency; money out is negative where an amount is signed.
DayOrdinal: TypeAlias = int  # Days as `datetime.date.toordinal` counts them: 0001-01-01 is 1.
SecondOrdinal: TypeAlias = int  # Day ordinal times 86,400, and the second of the day.
SecondOfDay: TypeAlias = int  # From midnight.
Seconds: TypeAlias = int  # How long something takes.
AccountIndex: TypeAlias = int  # The index of an account among those of its block, the shared ones first; -1 is none.
ClassIndex: TypeAlias = int  # The index of a declared account or a template among the bank's account classes.
BlockNumber: TypeAlias = int  # Block 0 has the shared accounts.
TickIndex: TypeAlias = int  # The index of a tick among those of all sweeps; -1 is none.
DayRow: TypeAlias = int  # The index of a business day in the window.
Word: TypeAlias = int  # A draw of 64 bits.
RailPosition: TypeAlias = int  # The place of a rail among those of its node.
RailIndex = NewType("RailIndex", int)  # The place of a rail in the bank file.
CapIndex = NewType("CapIndex", int)  # The caps of one rail in one direction: twice the rail's index, plus 1 inbound.
NodeIndex = NewType("NodeIndex", int)  # The place of what makes transfers (a rail, a template) in the program.

# ---- arrays ----------------------------------------------------------------------------------------------------

Integers: TypeAlias = npt.NDArray[np.int64]  # Whole numbers of which the name or the docstring tells the meaning.
CentsArray: TypeAlias = npt.NDArray[np.int64]
DayOrdinals: TypeAlias = npt.NDArray[np.int64]
SecondOrdinals: TypeAlias = npt.NDArray[np.int64]
AccountIndices: TypeAlias = npt.NDArray[np.int64]
AccountNumbers: TypeAlias = npt.NDArray[np.int64]  # What `{n}` stands for in an account's id; 0 for declared ones.
ClassIndices: TypeAlias = npt.NDArray[np.int64]
BlockNumbers: TypeAlias = npt.NDArray[np.int64]
TransferIndices: TypeAlias = npt.NDArray[np.int64]  # The index of each firing's transfer in its batch.
TickIndices: TypeAlias = npt.NDArray[np.int64]
NodeIndices: TypeAlias = npt.NDArray[np.int64]
CapSlots: TypeAlias = npt.NDArray[np.int64]  # Where each (account, cap day) stands in the array of a rail's caps.
Entries: TypeAlias = npt.NDArray[np.int64]  # Entry numbers, as `baseline/entries.py` packs them.
Words: TypeAlias = npt.NDArray[np.uint64]  # Draws of 64 bits.
Flags: TypeAlias = npt.NDArray[np.bool_]

"""What whole numbers mean: names for the values that the core passes about, each with its unit.

They are aliases: `Cents` and `SecondOrdinal` are both `int`, and an array of cents is an array of int64. They tell a
reader what a number is; they cost nothing at run time, and need no conversion.
"""

from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "DAY_SECONDS",
    "EPOCH_ORDINAL",
    "AccountIndex",
    "AccountIndices",
    "Cents",
    "CentsArray",
    "DayOrdinal",
    "DayOrdinals",
    "DayRow",
    "DayRows",
    "Flags",
    "Integers",
    "NodeIndex",
    "RailIndex",
    "SecondOfDay",
    "SecondOrdinal",
    "SecondOrdinals",
    "TickIndex",
    "TickIndices",
    "TransferIndices",
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
AccountIndex: TypeAlias = int  # The place of an account among those of its block, the shared ones first; -1 is none.
RailIndex: TypeAlias = int  # The place of a rail in the bank file.
NodeIndex: TypeAlias = int  # The place of what makes transfers (a rail, a template) in the program.
TickIndex: TypeAlias = int  # The place of a tick among those of all sweeps; -1 is none.
DayRow: TypeAlias = int  # The place of a business day in the window.

# ---- arrays ----------------------------------------------------------------------------------------------------

Integers: TypeAlias = npt.NDArray[np.int64]  # Whole numbers of which the name or the docstring tells the meaning.
CentsArray: TypeAlias = npt.NDArray[np.int64]
DayOrdinals: TypeAlias = npt.NDArray[np.int64]
SecondOrdinals: TypeAlias = npt.NDArray[np.int64]
AccountIndices: TypeAlias = npt.NDArray[np.int64]
TransferIndices: TypeAlias = npt.NDArray[np.int64]  # The place of each firing's transfer in its batch.
TickIndices: TypeAlias = npt.NDArray[np.int64]
DayRows: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]  # Draws of 64 bits.
Flags: TypeAlias = npt.NDArray[np.bool_]

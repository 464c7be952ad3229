"""Derives the two integer tables of `seedbed.draw.samplers`; run it to see that the checked-in files are still these.

`normal.npy`: -quantile of the standard normal at the 53 * 64 + 1 knots of the sampler, in units of 2^-36.
`exp2.npy`: 2^(j / 4096) for j = 0 ... 4096, in units of 2^-52.
Both are computed with 60 digits, so that the last bit does not depend on a floating-point library.

    python tools/derive_tables.py          # compare with the files in the package
    python tools/derive_tables.py --write  # write them
"""

import sys
from decimal import Decimal, getcontext
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "src" / "seedbed" / "draw"
OCTAVES, STEPS, NORMAL_BITS = 53, 64, 36
EXP2_STEPS, EXP2_BITS = 4096, 52

getcontext().prec = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
HALF = Decimal("0.5")


def upper_tail(z: Decimal) -> Decimal:
    """P(Z > z) for z >= 0: the Taylor series of the distribution function, or the tail's continued fraction."""
    density = (-z * z / 2).exp() / (2 * PI).sqrt()
    if z < 5:
        term = total = z
        k = 1
        while abs(term) > Decimal(10) ** -58:
            term *= z * z / (2 * k + 1)
            total += term
            k += 1
        return HALF - density * total
    fraction = Decimal(0)
    for k in range(400, 0, -1):
        fraction = Decimal(k) / (z + fraction)
    return density / (z + fraction)


def quantile(p: Decimal, start: Decimal) -> Decimal:
    """z >= 0 with P(Z > z) = p, by Newton's method from a start nearby."""
    z = start
    for _ in range(50):
        density = (-z * z / 2).exp() / (2 * PI).sqrt()
        step = (upper_tail(z) - p) / density
        z += step
        if abs(step) < Decimal(10) ** -30:
            return max(z, Decimal(0))
    raise ArithmeticError(f"no quantile for {p}")


def normal_table() -> np.ndarray:
    """The quantiles at p = 2^e (1 + j/64) / 2^54, from p = 1/2 outwards, then in the sampler's order."""
    values, z = [Decimal(0)], Decimal(0)
    for knot in range(OCTAVES * STEPS - 1, -1, -1):
        octave, step = divmod(knot, STEPS)
        p = Decimal(2**octave) * (1 + Decimal(step) / STEPS) / Decimal(2**54)
        z = quantile(p, z)
        values.append(z)
    scaled = [int((value * 2**NORMAL_BITS).to_integral_value()) for value in reversed(values)]
    return np.array(scaled, dtype=np.int64)


def exp2_table() -> np.ndarray:
    """2^(j/4096)."""
    step = Decimal(2).ln() / EXP2_STEPS
    powers = [(step * j).exp() * 2**EXP2_BITS for j in range(EXP2_STEPS + 1)]
    return np.array([int(power.to_integral_value()) for power in powers], dtype=np.int64)


def main() -> int:
    """Compares or writes the tables; exit code 1 where a file differs."""
    different = []
    for name, table in (("normal.npy", normal_table()), ("exp2.npy", exp2_table())):
        if "--write" in sys.argv:
            np.save(FOLDER / name, table)
        elif not np.array_equal(np.load(FOLDER / name), table):
            different.append(name)
    sys.stdout.write(f"different: {', '.join(different)}\n" if different else "tables are as derived\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

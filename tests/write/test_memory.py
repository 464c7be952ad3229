"""Memory that is freed stays with the process, where the C library is glibc."""

import platform
import subprocess
import sys

import pytest

from seedbed.assembly.memory import keep_memory

PROBE = """
import sys
import numpy as np
from seedbed.assembly.memory import keep_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] == "kept":
    keep_memory()
before = resident()
arrays = [np.ones(1_000_000) for _ in range(20)]
del arrays
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_stays_with_the_process() -> None:
    left = {
        how: int(
            subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, check=True, text=True).stdout
        )
        for how in ("kept", "given back")
    }
    assert left["kept"] > 150_000_000
    assert left["given back"] < 20_000_000


def test_it_does_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        """A C library without glibc's names."""

    monkeypatch.setattr("ctypes.CDLL", lambda _: Other())
    keep_memory()

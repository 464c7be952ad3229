"""A load in a process of its own, as a user runs it: `python -m tests.databases.child URL NAME [FILE BYTES]`.

It says when it is ready, starts at the next line of its input, and ends with the command line's exit code.
"""

import os
import resource
import sys

from seedbed.cli.main import run

from .bank import apply_arguments, load


def main() -> None:
    """The whole of it."""
    url, name, *limit = sys.argv[1:]
    # Everything is imported and generated once, so that what is killed is the load.
    load_nowhere(name)
    print("ready", flush=True)
    sys.stdin.readline()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit[0]), int(limit[0])))
    os._exit(run(apply_arguments(url, name)))


def load_nowhere(name: str) -> None:
    """A load into a database that goes away."""
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        load(f"sqlite:///{folder}/x", name)


main()

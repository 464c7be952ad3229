"""The limit: workers that write rows which are ready in memory, as the same sort of file, and do nothing else.

    python benchmarks/ready_table.py FOLDER FORMAT --rows N --workers N

FOLDER holds a ledger that Seedbed wrote as Parquet. Each worker reads up to a million of its transaction rows, waits
for the others, and writes them again and again until its share of N is written. The time of the writing alone is
printed as JSON, and so are rows, bytes and processor seconds.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset

from seedbed.ledger.columns import TRANSACTIONS
from seedbed.write.folders import ParquetFile

READY_ROWS = 1_000_000
# Enough files for as many rows; of all of them, Arrow would read ahead.
READY_FILES = 4
REPEATED = [column.name for column in TRANSACTIONS.columns if column.repeats]


def ready_rows(files: list[str], rows: int) -> pa.Table:
    """The first rows of a ledger, text that repeats as dictionaries, as the generator has it."""
    data = pyarrow.dataset.dataset(files[:READY_FILES]).head(rows)
    return pa.table({c: data[c].dictionary_encode() if c in REPEATED else data[c] for c in data.column_names})


def write(file: Path, data: pa.Table, file_format: str) -> None:
    """One file of these rows, Parquet as Seedbed writes it."""
    if file_format == "csv":
        pyarrow.csv.write_csv(data, file)
    else:
        parquet = ParquetFile(file, TRANSACTIONS)
        parquet.write(data)
        parquet.close()


def wait_at(barrier: Barrier) -> None:
    """Has a worker wait for the others there."""
    setup.barrier = barrier  # type: ignore[attr-defined]


def setup(options: argparse.Namespace, files: list[str]) -> tuple[int, int, float, float]:
    """One worker's share of the rows, in a folder of its own: rows, bytes, seconds, seconds of processor time."""
    barrier: Barrier = setup.barrier  # type: ignore[attr-defined]
    try:
        pa.set_cpu_count(1)
        share = options.rows // options.workers
        data = ready_rows(files, min(READY_ROWS, share))
        if options.format == "csv":
            data = pa.table([c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in data.columns],
                            data.column_names)  # fmt: skip
    except BaseException:
        barrier.abort()
        raise
    with tempfile.TemporaryDirectory(dir=options.folder.parent) as folder:
        barrier.wait()
        started, before, written, size = time.perf_counter(), time.process_time(), 0, 0
        while written < share:
            file = Path(folder, f"{written}.{options.format}")
            write(file, data.slice(0, share - written), options.format)
            written += min(data.num_rows, share - written)
            size += file.stat().st_size
            file.unlink()
        return written, size, time.perf_counter() - started, time.process_time() - before


def main() -> None:
    """Starts the workers together and adds up what they did."""
    parser = argparse.ArgumentParser(description="Times the writing of rows that are ready in memory.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("format", choices=("parquet", "csv"))
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    files = sorted(str(path) for path in options.folder.glob("transactions*.parquet"))
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(options.workers)
    with ProcessPoolExecutor(options.workers, context, wait_at, (barrier,)) as pool:
        shares = [pool.submit(setup, options, files) for _ in range(options.workers)]
        rows, size, wall, processor = zip(*(share.result() for share in shares), strict=True)
    print(json.dumps({"rows": sum(rows), "bytes": sum(size), "wall": max(wall), "processor": sum(processor)}))


if __name__ == "__main__":
    main()

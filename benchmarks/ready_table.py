"""The limit: workers that write rows which are ready in memory, as the same sort of file, and do nothing else.

    python benchmarks/ready_table.py FOLDER FORMAT --rows N --workers N

FOLDER holds a ledger that Seedbed wrote as Parquet. Each worker reads up to a million of its transaction rows, waits
for the others, and writes them again and again until its share of N is written. The time of the writing alone is
printed as JSON, and so are rows, bytes and processor seconds. Parquet gets the codec and the dictionaries of FOLDER.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq

from seedbed.ledger.columns import TRANSACTIONS

READY_ROWS = 1_000_000
# Enough files for as many rows; of all of them, Arrow would read ahead.
READY_FILES = 4
ROW_GROUP_ROWS = 122_880
REPEATED = [column.name for column in TRANSACTIONS.columns if column.repeats]


def ready_rows(files: list[str], rows: int) -> pa.Table:
    """The first rows of a ledger, text that repeats as dictionaries, as the generator has it."""
    data = pyarrow.dataset.dataset(files[:READY_FILES]).head(rows)
    return pa.table({c: data[c].dictionary_encode() if c in REPEATED else data[c] for c in data.column_names})


def write(file: Path, data: pa.Table, file_format: str, codec: str) -> None:
    """One file of these rows."""
    if file_format == "csv":
        pyarrow.csv.write_csv(data, file)
    else:
        pq.write_table(data, file, compression=codec, use_dictionary=REPEATED, row_group_size=ROW_GROUP_ROWS)


def work(
    options: argparse.Namespace, files: list[str], codec: str, start: Barrier, done: "multiprocessing.Queue[Any]"
) -> None:
    """One worker's share of the rows, in a folder of its own; what it took goes into the queue."""
    pa.set_cpu_count(1)
    share = options.rows // options.workers
    data = ready_rows(files, min(READY_ROWS, share))
    if options.format == "csv":
        data = pa.table({name: column.cast(pa.string()) if name in REPEATED else column for name, column in zip(
            data.column_names, data.columns, strict=True)})  # fmt: skip
    with tempfile.TemporaryDirectory(dir=options.folder.parent) as folder:
        start.wait()
        started, before, written, size = time.perf_counter(), time.process_time(), 0, 0
        while written < share:
            file = Path(folder, f"{written}.{options.format}")
            write(file, data.slice(0, share - written), options.format, codec)
            written += min(data.num_rows, share - written)
            size += file.stat().st_size
            file.unlink()
        done.put((written, size, time.perf_counter() - started, time.process_time() - before))


def main() -> None:
    """Starts the workers together and adds up what they did."""
    parser = argparse.ArgumentParser(description="Times the writing of rows that are ready in memory.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("format", choices=("parquet", "csv"))
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    files = sorted(str(path) for path in options.folder.glob("transactions*.parquet"))
    codec = pq.ParquetFile(files[0]).metadata.row_group(0).column(0).compression
    context = multiprocessing.get_context("spawn")
    start, done = context.Barrier(options.workers), context.Queue()
    workers = [
        context.Process(target=work, args=(options, files, codec, start, done)) for _ in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    rows, size, wall, processor = zip(*(done.get() for _ in workers), strict=True)
    for worker in workers:
        worker.join()
    print(json.dumps({"rows": sum(rows), "bytes": sum(size), "wall": max(wall), "processor": sum(processor)}))


if __name__ == "__main__":
    main()

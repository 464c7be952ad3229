"""A Spark session with two executors: processes of their own, which import the package and share nothing else."""

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pyspark")

from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17 or later; there is no java here")
    # One core and one gigabyte each; nothing listens but on loopback, and nothing is left in the working directory.
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("seedbed-tests")
    for name, value in {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.io.compression.codec": "zstd",
        "spark.sql.catalogImplementation": "in-memory",
        # Nothing is run before both executors are there.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "300s",
    }.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)  # the workers' interpreter
        session = builder.getOrCreate()
        yield session
        session.stop()

"""Seedbed on Spark: the tables of a ledger as data frames, made by the cluster's workers, with the same digest.

    from seedbed.spark import SeedbedSource, first_pass

    spark.dataSource.register(SeedbedSource)
    chosen = first_pass(spark, instance="bank.yaml", accounts="Customer=1000000")
    rows = spark.read.format("seedbed").options(**chosen).load()

Needs PySpark 4 (`pip install 'seedbed[spark]'`); the workers need this package and nothing else.
"""

from seedbed.spark.source import SeedbedSource, first_pass

__all__ = ["SeedbedSource", "first_pass"]

"""What a million messages cost on Spark: ``python benchmarks/spark_speed.py [rows] [cores]``.

Scores Parquet to Parquet in local mode, twice: the first run also starts the Python workers and loads the release. The
cost is processor time, of Java and Python together, as Linux counts it: what else the machine does is not in it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from message_mix import write_export
from pyspark.sql import SparkSession

from classifier.spark import recommend


def processor_seconds() -> float:
    """What this process and all that descend from it have used, the ended ones too."""
    parents, used = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(place.name)], used[int(place.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    total, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        total += used[pid]
        waiting += [child for child, parent in parents.items() if parent == pid]
    return total / os.sysconf("SC_CLK_TCK")


def main(rows: int = 500_000, cores: int = 2) -> None:
    """Measure and print."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.files.maxPartitionBytes", str(4 << 20)).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        source = str(write_export(Path(folder, "messages.parquet"), rows))
        for title in ("with start-up", "warm"):
            started, before = time.perf_counter(), processor_seconds()
            df = spark.read.parquet(source)
            recommend(df, keep=["id"]).write.mode("overwrite").parquet(f"{folder}/scored")
            seconds, used = time.perf_counter() - started, processor_seconds() - before
            print(
                f"{title}: {rows:,} rows in {df.rdd.getNumPartitions()} partitions, {seconds:.1f} s, "
                f"{rows / seconds:,.0f} rows/s, {used / rows * 1e6:.0f} processor seconds per million"
            )
    spark.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""Score a Parquet data set on a Spark cluster.

    spark-submit --master yarn --deploy-mode cluster examples/spark_job.py s3a://bucket/messages s3a://bucket/scored

The package must be installed on the workers (docs/spark.md shows three ways). Prints what was done in one line per
recommendation; rows set aside are in the output, with the reason in ``error``.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

from classifier.spark import recommend

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(spark: SparkSession, arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, score, write, count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("messages", help="Parquet data set with a message in each row")
    parser.add_argument("output", help="where the scored rows go, as Parquet; must not exist yet")
    parser.add_argument("--text", default="text", help="column of the message (text)")
    parser.add_argument("--surface", help="column of the surface (surface, if there is one)")
    parser.add_argument("--keep", nargs="*", help="columns to keep (all); --keep id leaves the texts behind")
    parser.add_argument("--release", help="folder of a release (the shipped one)")
    parser.add_argument("--shared", action="store_true", help="every worker can open that folder: do not send it along")
    parser.add_argument("--policy", help="a policy.toml that overrides the policy of the release")
    parser.add_argument("--partitions", type=int, help="score in this many parts (as many as the data set has)")
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    args = parser.parse_args(arguments)

    messages = spark.read.parquet(args.messages)
    if args.partitions:
        messages = messages.repartition(args.partitions)
    scored = recommend(
        messages, text=args.text, surface=args.surface, keep=args.keep,
        release=args.release, shared=args.shared, policy=args.policy,
    )  # fmt: skip
    scored.write.mode("overwrite" if args.overwrite else "errorifexists").parquet(args.output)

    # Counted on what was written: asking `scored` would score everything again.
    written = spark.read.parquet(args.output)
    set_aside = sql.count("error").alias("set_aside")
    counts = written.groupBy("recommendation").agg(sql.count("*").alias("rows"), set_aside).collect()
    rows, aside = sum(count["rows"] for count in counts), sum(count["set_aside"] for count in counts)
    print(f"{rows:,} rows = {rows - aside:,} scored + {aside:,} set aside; result: {args.output}")
    for count in sorted(counts, key=lambda count: -count["rows"]):
        print(f"{count['recommendation']}: {count['rows'] - count['set_aside']:,}")


if __name__ == "__main__":
    session = SparkSession.builder.appName("guideline-classifier").getOrCreate()
    main(session)
    session.stop()

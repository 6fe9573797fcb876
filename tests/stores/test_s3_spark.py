"""Spark reads and writes S3 with the small set of jars, and the same environment as the kernel."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.lake.s3_spark import s3a_properties
from r2d2.lake.storage import storage_for

ENDPOINT = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_REGION": "eu-west-1"}
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "sec/ret+1", "AWS_SESSION_TOKEN": "token-1"}


def test_spark_goes_where_the_kernel_goes_and_no_property_holds_a_secret() -> None:
    properties = s3a_properties(ENDPOINT | SECRETS)
    assert properties["spark.hadoop.fs.s3a.endpoint"] == "http://127.0.0.1:9000"
    assert properties["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-1"
    assert properties["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert properties["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"
    assert not any(secret in value for value in properties.values() for secret in SECRETS.values())


def test_without_an_endpoint_it_is_amazons() -> None:
    assert not [name for name in s3a_properties(SECRETS) if name.endswith((".endpoint", ".path.style.access"))]


def test_a_public_bucket_is_read_unsigned() -> None:
    assert "Anonymous" in s3a_properties({"AWS_SKIP_SIGNATURE": "true"})["spark.hadoop.fs.s3a.aws.credentials.provider"]


def test_who_asks_pays_where_the_environment_says_so() -> None:
    paid = "spark.hadoop.fs.s3a.requester.pays.enabled"
    assert s3a_properties({"AWS_REQUEST_PAYER": "requester"})[paid] == "true"
    assert paid not in s3a_properties({"AWS_REQUEST_PAYER": ""})


@pytest.mark.full
@pytest.mark.spark
def test_spark_reads_and_writes_a_store_with_the_jars_that_it_is_given(s3: str, tmp_path: Path) -> None:
    """In a process of its own: a JVM that runs takes no more jars."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": range(1000)}), sink)
    storage_for(f"s3://{s3}").put(f"s3://{s3}/t/x y.parquet", sink.getvalue())
    code = f"""
        import os
        from pyspark.sql import SparkSession
        from r2d2.lake.jars import S3, jar_properties
        from r2d2.lake.s3_spark import s3a_properties
        builder = SparkSession.builder.master("local[1]")
        properties = s3a_properties(os.environ) | jar_properties([S3]) | {{
            "spark.driver.host": "localhost", "spark.ui.enabled": "false",
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        }}
        for key, value in properties.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
        read = spark.read.parquet("s3a://{s3}/t")
        read.write.format("delta").save("s3://{s3}/delta")
        binary = spark.read.format("binaryFile").load("s3n://{s3}/t").count()
        print(read.count(), spark.read.format("delta").load("s3a://{s3}/delta").count(), binary)
    """
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": root},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.split() == ["1000", "1000", "1"]
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in run.stdout + run.stderr

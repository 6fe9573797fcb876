"""Spark's own way to S3 (``s3a``): the same environment as the kernel's, and no more jars than that takes.

*Measured*: ``hadoop-aws`` asks for the AWS SDK in one bundle of 641 MB; the three parts of the SDK that it uses, and
theirs, are 17 MB. Parquet, Delta and binary files are read and Delta is written with them (tests/stores).
GCS and ADLS need the connectors of their clouds, which a site gives by ``spark.jars``; that is not tested here.
"""

from __future__ import annotations

from collections.abc import Mapping

from r2d2.lake.object_client import s3_config

_DEFAULT_CHAIN = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
_SDK = "2.29.52"  # what hadoop-aws 3.4.2 is built with
S3_PACKAGES = (
    "org.apache.hadoop:hadoop-aws:3.4.2",
    f"software.amazon.awssdk:s3:{_SDK}",
    f"software.amazon.awssdk:s3-transfer-manager:{_SDK}",
    f"software.amazon.awssdk:sts:{_SDK}",
)
#: What those packages must come without. ``org.apache.hadoop:*`` is not left out then: it is hadoop-aws, too.
S3_EXCLUDES = (
    "software.amazon.awssdk:bundle",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.hadoop:hadoop-common",
)
_S3A = "spark.hadoop.fs.s3a"


def s3a_properties(environ: Mapping[str, str]) -> dict[str, str]:
    """Spark properties for ``s3a://``, ``s3://`` and ``s3n://``.

    No credential is among them, since Spark shows its properties: the SDK's chain finds them in the environment, a
    profile or the machine, of each worker.
    """
    anonymous = environ.get("AWS_SKIP_SIGNATURE", "").lower() == "true"
    chain = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider" if anonymous else _DEFAULT_CHAIN
    schemes = {f"spark.hadoop.fs.{scheme}.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem" for scheme in ("s3", "s3n")}
    agent = f"app/{environ.get('AWS_SDK_UA_APP_ID') or 'r2d2'}"
    found = {f"{_S3A}.aws.credentials.provider": chain, f"{_S3A}.user.agent.prefix": agent}
    if environ.get("AWS_REQUEST_PAYER", "").lower() in ("true", "requester"):
        found[f"{_S3A}.requester.pays.enabled"] = "true"
    config = s3_config(environ)
    if "region" in config:
        found[f"{_S3A}.endpoint.region"] = config["region"]
    return schemes | found | (_endpoint(config["endpoint"], environ) if "endpoint" in config else {})


def _endpoint(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Of a store that is not Amazon's: its buckets are paths, unless the environment says otherwise."""
    by_host = environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() == "true"
    return {
        f"{_S3A}.endpoint": url,
        f"{_S3A}.path.style.access": str(not by_host).lower(),
        f"{_S3A}.connection.ssl.enabled": str(not url.startswith("http://")).lower(),
    }

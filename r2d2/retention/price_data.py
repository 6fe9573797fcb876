"""The price sheets. Data only; ``prices`` looks things up in them.

List prices without discounts and free allowances, first volume step, one region. They age: check them against the
provider's page that each source names, and put your own in their place by ``retention.price_overrides``.
"""

from __future__ import annotations

from collections.abc import Mapping

from r2d2.retention.price_sheets import PriceSheet, Source, StorageClass

KIB, MIB, GIB = 2**10, 2**20, 2**30
HOUR = 3600.0

_S3 = PriceSheet(
    name="s3",
    currency="USD",
    region="Amazon S3, us-east-1",
    gb=GIB,
    part_bytes=8 * MIB,
    egress=0.02,
    classes=(
        StorageClass("STANDARD", 0.023, 0.0004, 0.005),
        StorageClass("STANDARD_IA", 0.0125, 0.001, 0.01, 0.01, min_days=30, min_bytes=128 * KIB),
        StorageClass("ONEZONE_IA", 0.01, 0.001, 0.01, 0.01, min_days=30, min_bytes=128 * KIB),
        StorageClass("GLACIER_IR", 0.004, 0.01, 0.02, 0.03, min_days=90, min_bytes=128 * KIB),
        StorageClass(
            "GLACIER", 0.0036, 0.0004, 0.03, 0.01, restore=0.05, min_days=90,
            overhead=32 * KIB, overhead_hot=8 * KIB, first_byte_seconds=5 * HOUR,
        ),
        StorageClass(
            "DEEP_ARCHIVE", 0.00099, 0.0004, 0.05, 0.02, restore=0.1, min_days=180,
            overhead=32 * KIB, overhead_hot=8 * KIB, first_byte_seconds=12 * HOUR,
        ),
    ),
    sources=(
        Source(
            ("storage", "retrieval", "min_days", "min_bytes"),
            "https://aws.amazon.com/s3/pricing/",
            "2026-05",
            "as https://www.usage.ai/blogs/aws/storage-cost/glacier-deep-archive-pricing/ (2026-06-05) gives that page",
        ),
        Source(("read", "write"), "https://aws.amazon.com/s3/pricing/", "2025-01"),
        Source(
            ("restore",),
            "https://aws.amazon.com/s3/pricing/",
            "undated",
            "standard retrieval; GLACIER as in https://repost.aws/knowledge-center/s3-manage-data-retrieval, "
            "DEEP_ARCHIVE as Infracost's tests have it from the AWS price list",
        ),
        Source(
            ("overhead", "overhead_hot"),
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/archival-storage.html",
            "2026-06-18",
            "40 KB an object, as cloudcostkit.com checked on that day; 8 KB of it at the price of STANDARD",
        ),
        Source(
            ("first_byte_seconds",),
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html",
            "undated",
            "standard retrieval: 3 to 5 hours, within 12 hours",
        ),
        Source(("gb",), "https://aws.amazon.com/s3/faqs/", "undated", "10 TB are 10,995,116,277,760 bytes there"),
        Source(
            ("part_bytes",),
            "https://docs.aws.amazon.com/cli/latest/topic/s3-config.html",
            "undated",
            "billed by the request; how much one moves is the client's choice, whose default is taken",
        ),
        Source(
            ("egress",),
            "https://aws.amazon.com/s3/pricing/",
            "undated",
            "most pairs of regions, as redresscompliance.com gives it; us-east-1 to us-east-2 is 0.01",
        ),
    ),
)  # fmt: skip

_ADLS_PAGE = "https://azure.microsoft.com/en-us/pricing/details/storage/data-lake/"
_ADLS_DOCS = "https://learn.microsoft.com/en-us/azure/storage/blobs/"
_ADLS = PriceSheet(
    name="adls",
    currency="USD",
    region="Azure Data Lake Storage Gen2, United States, locally redundant",
    gb=GIB,
    part_bytes=4 * MIB,
    egress=0.02,
    classes=(
        StorageClass("HOT", 0.021, 0.00057, 0.00715),
        StorageClass("COOL", 0.012, 0.0013, 0.013, 0.01, min_days=30),
        StorageClass("COLD", 0.0045, 0.013, 0.0234, 0.03, min_days=90),
        StorageClass("ARCHIVE", 0.002, 0.715, 0.0143, 0.022, min_days=180, first_byte_seconds=15 * HOUR),
    ),
    sources=(
        Source(
            ("storage", "read", "write", "retrieval", "egress"),
            _ADLS_PAGE,
            "2024-07-03",
            "as Microsoft's article on estimating costs gave them, which calls them sample prices "
            "(MicrosoftDocs/azure-docs, articles/storage/blobs/blob-storage-estimate-costs.md)",
        ),
        Source(("restore",), _ADLS_PAGE, "2024-07-03", "bringing an object online is billed as one read of ARCHIVE"),
        Source(
            ("min_days",),
            f"{_ADLS_DOCS}access-tiers-overview",
            "2026-06-17",
            "as techjacksolutions.com checked on that day",
        ),
        Source(
            ("min_bytes", "overhead", "overhead_hot"),
            f"{_ADLS_DOCS}access-tiers-overview",
            "2026-06-08",
            "128 KiB for cooler tiers were announced for 2026-07 and put off (Azure update 559756)",
        ),
        Source(
            ("first_byte_seconds",),
            f"{_ADLS_DOCS}archive-rehydrate-overview",
            "undated",
            "standard priority: up to 15 hours",
        ),
        Source(
            ("gb", "part_bytes"),
            _ADLS_PAGE,
            "2024-07-03",
            "10 TB are 10 x 1,024 GB in the article named above; each 4 MiB are an operation",
        ),
    ),
)

_GCS_PAGE = "https://cloud.google.com/storage/pricing"
_GCS_READ = "as github.com/api-evangelist/gcp-cloud-storage copied that page"
_GCS = PriceSheet(
    name="gcs",
    currency="USD",
    region="Google Cloud Storage, us-central1",
    gb=GIB,
    part_bytes=8 * MIB,
    egress=0.02,
    classes=(
        StorageClass("STANDARD", 0.02, 0.0004, 0.005),
        StorageClass("NEARLINE", 0.01, 0.001, 0.01, 0.01, min_days=30),
        StorageClass("COLDLINE", 0.004, 0.005, 0.01, 0.02, min_days=90),
        StorageClass("ARCHIVE", 0.0012, 0.05, 0.05, 0.05, min_days=365),
    ),
    sources=(
        Source(("storage", "retrieval"), _GCS_PAGE, "2026-09-20", _GCS_READ),
        Source(("STANDARD.read", "STANDARD.write"), _GCS_PAGE, "2026-09-20", _GCS_READ),
        Source(
            ("read", "write"),
            _GCS_PAGE,
            "2026-02-17",
            "of the colder classes: as an article on oneuptime.com gives them for the US multi-region",
        ),
        Source(
            ("min_days", "min_bytes", "first_byte_seconds", "restore", "overhead", "overhead_hot"),
            "https://cloud.google.com/storage/docs/storage-classes",
            "undated",
            "no smallest size, every class is online",
        ),
        Source(("gb",), _GCS_PAGE, "2026-09-20", "billed by the GiB"),
        Source(
            ("part_bytes",),
            _GCS_PAGE,
            "undated",
            "billed by the request; how much one moves is the client's choice, 8 MiB are taken",
        ),
        Source(
            ("egress",),
            _GCS_PAGE,
            "undated",
            "regions of one continent, as Infracost's tests have it from the price list",
        ),
    ),
)

_OWN = PriceSheet(
    name="on-premises",
    currency="USD",
    region="hardware of one's own, an example",
    gb=10**9,
    part_bytes=8 * MIB,
    egress=0.0,
    classes=(StorageClass("DISK", 0.0024, 0.0, 0.0),),
    sources=(
        Source(
            ("storage",),
            "https://world.hey.com/dhh/our-cloud-exit-savings-will-now-top-ten-million-over-five-years-c7d9b5bd",
            "2024",
            "derived: hardware for 18 PB in two places at 1.3 million, over 60 months, two copies of all; "
            "power, room and people come on top: put in what yours costs",
        ),
        Source(
            (
                "read", "write", "retrieval", "restore", "min_days", "min_bytes", "overhead", "overhead_hot",
                "first_byte_seconds", "gb", "part_bytes", "egress",
            ),
            "https://world.hey.com/dhh/our-cloud-exit-savings-will-now-top-ten-million-over-five-years-c7d9b5bd",
            "2024",
            "nobody bills for these on hardware of one's own; a GB of a disk is 10^9 bytes",
        ),
    ),
)  # fmt: skip

SHEETS: Mapping[str, PriceSheet] = {sheet.name: sheet for sheet in (_S3, _ADLS, _GCS, _OWN)}

"""The S3 endpoint of the tests of stores, for those of recovery."""

from tests.stores.conftest import endpoint, other_client, s3

__all__ = ["endpoint", "other_client", "s3"]

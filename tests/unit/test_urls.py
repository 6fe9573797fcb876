"""No credential of a URL or of the environment is repeated, whatever letters it has."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest

from r2d2.errors import LakeError
from r2d2.lake.object_client import delta_options, s3_config
from r2d2.lake.object_errors import reason_of, store_errors
from r2d2.lake.urls import refuse_credentials, url_identity, url_inside, without_credentials

UNUSUAL = ["aws/Secret+Key=", "p%40ss&word<x>", "s e c r e t", "ключ-секрет", "a" * 300, "$(id) '\";#?", "sig=x&sp=r"]
VARIABLES = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"]
VARIABLES += ["AZURE_CLIENT_SECRET", "GOOGLE_SERVICE_ACCOUNT_KEY", "MY_DB_PASSWORD"]


@pytest.mark.parametrize("secret", UNUSUAL)
@pytest.mark.parametrize("variable", VARIABLES)
def test_what_the_environment_keeps_secret_is_blanked_in_every_spelling(
    monkeypatch: pytest.MonkeyPatch, variable: str, secret: str
) -> None:
    monkeypatch.setenv(variable, secret)
    for spelled in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
        message = without_credentials(f"GET https://host/bucket?{spelled} failed: {spelled}!")
        assert spelled not in message
        assert message.startswith("GET https://host/bucket?")


def test_a_store_that_repeats_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2024&sig=abc%2Fdef")
    with pytest.raises(OSError, match="abfs://c") as caught, store_errors("abfs://c@a/x"):
        raise RuntimeError("Error performing GET https://a/c/x?sv=2024&sig=abc%2Fdef in 5ms - no route")
    assert "abc" not in str(caught.value)
    assert caught.value.__cause__ is None, "a traceback would show it"


@pytest.mark.parametrize("word", ["true", "on", "auto", "/var/run/secrets/token"])
def test_short_words_and_paths_are_no_secrets(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", word)
    assert without_credentials(f"it is {word}: no") == f"it is {word}: no"


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:secret@bucket/x", "s3a://key@bucket", "s3://key:se/cret@bucket", "sftp://me:secret@host/x",
        "sftp://me:se/cret@host/x", "abfss://c:secret@account/x",
    ],
)  # fmt: skip
def test_a_root_with_credentials_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(LakeError, match="credentials") as caught:
        refuse_credentials(url)
    assert "se/cret" not in str(caught.value)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a@b",
        "s3://bucket/a:b@c",
        "abfss://c@account.dfs.core.windows.net/x",
        "hdfs://host:8020/x@y",
        "gs://b/x",
    ],
)
def test_names_with_colons_and_at_signs_are_no_credentials(url: str) -> None:
    refuse_credentials(url)
    assert without_credentials(url) == url


def test_an_object_has_one_identity_and_lies_below_its_directories_only() -> None:
    assert url_identity("s3a://b/k/") == url_identity("s3n://b/k") == "s3://b/k"
    assert url_identity("hdfs://nn/K") == url_identity("hdfs://NN:8020/K") != url_identity("hdfs://nn:9000/K")
    assert url_identity("sftp://Me@host/k") == url_identity("ssh://Me@HOST:22/k") != url_identity("sftp://me@host/k")
    assert url_inside("s3a://b/k/x", ["s3://b/k/"])
    assert not url_inside("s3://b/k2", ["s3://b/k"])


def test_the_state_is_written_to_the_endpoint_that_lakes_are_read_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://ignored")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000/")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_REGION", raising=False)
    options = delta_options("s3a://bucket/state")
    assert options is not None
    assert (options["aws_endpoint"], options["aws_region"]) == ("http://127.0.0.1:9000", "eu-west-1")
    assert (options["allow_http"], options["aws_conditional_put"]) == ("true", "etag")
    assert delta_options("/data/state") is None
    assert s3_config({}) == {}


def test_a_reason_is_one_line_and_the_same_each_time() -> None:
    texts = [
        f"Error performing GET http://h/x in {ms}ms, after {n} retries - no route\n\nDebug"
        for ms, n in ((5, 1), (7.5, 2))
    ]
    assert len({reason_of(RuntimeError(text)) for text in texts}) == 1

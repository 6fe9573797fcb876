"""Settings: where they come from, in which order, and what is said when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d2.config import Settings, describe, load_settings
from r2d2.errors import UsageError


def settings(*overrides: str, file: Path | None = None, **environ: str) -> Settings:
    return load_settings(file, overrides, environ)


def test_defaults_need_no_file_and_no_environment() -> None:
    assert settings() == Settings()


def test_override_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "r2d2.toml"
    file.write_text("[retention]\nlatency_limit = 10\nread_price = 3\nwrite_price = 5\n")
    environ = {"R2D2_RETENTION__LATENCY_LIMIT": "20", "R2D2_RETENTION__READ_PRICE": "4"}
    loaded = settings("retention.latency_limit=30", file=file, **environ).retention
    assert (loaded.latency_limit, loaded.read_price, loaded.write_price) == (30.0, 4.0, 5.0)


def test_lists_and_tables_can_be_given_as_text_and_as_toml(tmp_path: Path) -> None:
    file = tmp_path / "r2d2.toml"
    file.write_text('[retention]\nkeep = ["a/*", "b"]\n[retention.latency_limits]\n"c/*" = 5\n')
    text = settings("retention.keep=a/*,b", "retention.latency_limits=c/*=5").retention
    assert settings(file=file).retention == text


def test_a_pattern_may_hold_an_equals_sign() -> None:
    assert settings("retention.accesses=sales/year=2024=7").retention.accesses == {"sales/year=2024": 7.0}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("retention", "expected KEY=VALUE"),
        ("nosuch.key=1", "there is no section 'nosuch'"),
        ("retention.nosuch=1", "there is no setting 'retention.nosuch'"),
        ("retention.latency_limit=soon", "'soon' is not a number"),
        ("retention.latency_limit=-1", "must not be negative"),
        ("retention.latency_limit=nan", "must not be negative"),
        ("containment.sketch_size=1.5", "'1.5' is not a whole number"),
        ("containment.case_sensitive=perhaps", "'perhaps' is not true or false"),
        ("retention.accesses=7", "'7' is not a table of PATTERN = VALUE"),
    ],
)
def test_a_wrong_override_says_what_is_wrong_and_where(override: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        settings(override)
    assert f"--set {override}" in str(caught.value)


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("retention = [")
    for name in ("missing.toml", "bad.toml"):
        with pytest.raises(UsageError, match=name):
            settings(file=tmp_path / name)


def test_environment_variables_of_others_are_left_alone() -> None:
    assert settings(R2D2_SEED="7", PATH="/bin") == Settings()


def test_every_setting_is_described_with_its_default() -> None:
    described = dict(describe())
    assert described["containment.sketch_size"] == Settings().containment.sketch_size
    assert all(section in {key.split(".")[0] for key in described} for section in vars(Settings()))

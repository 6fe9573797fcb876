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
    "lines",
    [
        '"spark.executor.memory" = "2g"\n"spark.jars.packages" = "a:b:1,c:d:2"\n"spark.speculation" = true\n',
        'spark.executor.memory = "2g"\nspark.jars.packages = "a:b:1,c:d:2"\nspark.speculation = true\n',
    ],
)
def test_spark_properties_are_the_same_with_and_without_quotes_and_as_text(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "r2d2.toml"
    file.write_text(f"[spark.conf]\n{lines}")
    expected = {
        "spark.executor.memory": "2g",
        "spark.jars.packages": "a:b:1,c:d:2",
        "spark.speculation": "true",
    }
    text = "spark.executor.memory=2g, spark.jars.packages=a:b:1,c:d:2,spark.speculation=true"
    assert settings(file=file).spark.conf == settings(f"spark.conf={text}").spark.conf == expected


def test_the_value_of_a_spark_property_may_hold_equals_signs() -> None:
    options = "-Dx=y -Dlist=1,2"
    assert settings(f"spark.conf=spark.driver.extraJavaOptions={options}").spark.conf == {
        "spark.driver.extraJavaOptions": options
    }


def test_a_memory_that_no_task_could_use_is_refused_before_every_task_fails_of_it() -> None:
    with pytest.raises(UsageError, match=r"containment.task_memory: 'lots' is not a size"):
        settings("containment.task_memory=lots")
    assert settings("containment.task_memory=512MiB").containment.task_memory == "512MiB"


def test_part_of_a_number_is_no_whole_number(tmp_path: Path) -> None:
    file = tmp_path / "r2d2.toml"
    file.write_text("[containment]\nsketch_size = 1.7\n")
    with pytest.raises(UsageError, match=r"1\.7 is not a whole number"):
        settings(file=file)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("spark.conf=spark.ui.enabled", "is not a table of NAME = VALUE"),
        ("spark.conf=spark.a=1,spark.ui.enabled", "is not a table of NAME = VALUE"),
        ("spark.log_level=LOUD", "is not one of ALL, TRACE, DEBUG"),
        ("spark.conf==1", "is not a table of NAME = VALUE"),
        ("retention.accesses=*=-5", "must not be negative"),
        ("retention.accesses=*=nan", "must not be negative"),
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


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10GB", 10_000_000_000),
        ("1.5 kB", 1500),
        ("2KiB", 2048),
        ("0.5GiB", 2**29),
        ("3tb", 3 * 10**12),
        ("7", 7),
        ("7 B", 7),
        ("0.0001KB", 1),
        ("0", 0),
    ],
)
def test_a_size_takes_units_and_never_becomes_no_limit(text: str, size: int) -> None:
    assert settings(f"containment.max_bytes={text}").containment.max_bytes == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("90", 90), ("1.5h", 5400), ("2d", 172_800), ("0.5s", 0.5), (" 3 S ", 3)]
)
def test_a_time_takes_units(text: str, seconds: float) -> None:
    assert settings(f"containment.time_limit={text}").containment.time_limit == seconds


def test_sizes_and_times_are_spelled_alike_wherever_they_are_given(tmp_path: Path) -> None:
    file = tmp_path / "r2d2.toml"
    file.write_text('[containment]\nmax_bytes = "10GB"\ntime_limit = "30m"\n')
    environ = {"R2D2_CONTAINMENT__MAX_BYTES": "10GB", "R2D2_CONTAINMENT__TIME_LIMIT": "30m"}
    by_flags = load_settings(
        environ={}, flags={"containment.max_bytes": "10GB", "containment.time_limit": "30m"}
    ).containment
    by_set = settings("containment.max_bytes=10GB", "containment.time_limit=30m").containment
    assert settings(file=file).containment == settings(**environ).containment == by_set == by_flags
    file.write_text("[containment]\nmax_bytes = 10_000_000_000\ntime_limit = 1800\n")
    assert settings(file=file).containment == by_set


def test_a_flag_beats_all_else() -> None:
    given = load_settings(
        overrides=("containment.max_bytes=1",), environ={"R2D2_CONTAINMENT__MAX_BYTES": "2"},
        flags={"containment.max_bytes": "3"},
    )  # fmt: skip
    assert given.containment.max_bytes == 3


@pytest.mark.parametrize("text", ["10 bananas", "", "GB", "1e9", "-5", "10G", "ten", "inf", "nan", "1.GB", "٣GB"])
def test_nonsense_for_a_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"--max-bytes .*is not a size") as caught:
        load_settings(environ={}, flags={"containment.max_bytes": text})
    assert "for example 10GB" in caught.value.hint


@pytest.mark.parametrize("text", ["soon", "30 minutes", "1h30m", "-1s", "inf", "5GB"])
def test_nonsense_for_a_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"--time-limit .*is not a time") as caught:
        load_settings(environ={}, flags={"containment.time_limit": text})
    assert "for example 30m" in caught.value.hint


def test_a_truth_value_is_no_size(tmp_path: Path) -> None:
    file = tmp_path / "r2d2.toml"
    file.write_text("[containment]\nmax_bytes = true\n")
    with pytest.raises(UsageError, match="is not a size"):
        settings(file=file)

"""Names that a language model wrote from cell values: they last, are shown and go elsewhere no longer than allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from r2d2.catalog import records, runs
from r2d2.catalog.state import State, open_state
from r2d2.catalog.tables import SCHEMAS
from r2d2.commands.asking_about import index_of
from r2d2.config import ReportSettings, Settings
from r2d2.grouped import report_topics
from r2d2.job import Job, new_job
from r2d2.progress import Progress
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.labels.endpoint import Endpoint
from r2d2.semantics.labels.rights import Gets, allows
from r2d2.semantics.retrieval.ask import ask
from r2d2.semantics.topics.kept import KeptTopic, topics_kept
from r2d2.semantics.topics.stage import group_run
from tests.semantics.endpoint_server import Asked, EndpointServer, answers, replies, serving
from tests.semantics.small_index import SETTINGS
from tests.semantics.small_topics import lake

#: What a model makes of cell values.
TOLD = "Zaqovi"


def reply(asked: Asked) -> object:
    """A model that repeats values where it is told any."""
    data = asked.data
    if "question" in data:
        return {"answer": "In [1].", "cited": ["1"]}
    values = f"{TOLD} and " if "values_of_the_first_dataset" in data else ""
    return {"name": f"{values}{data['datasets'][0].split('/')[0]}", "summary": f"{values}what is known."}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


def run(state: State, server: EndpointServer | None, gets: Gets, report: ReportSettings | None = None) -> Job:
    """A run that groups the lake as the main job does; without a server no model is asked."""
    endpoint = {"endpoint": server.url, "endpoint_model": "m"} if server else {}
    semantics = replace(SETTINGS, endpoint_gets=gets, **endpoint)
    settings = Settings(semantics=semantics, report=report or ReportSettings())
    job = new_job([str(state.path)], state, settings, Progress(quiet=True))
    with state.locked():
        state.append("datasets", [records.dataset_row(job.run_id, one) for one in lake()])
        group_run(state, job.run_id, Catalog(lake()), semantics)
        job.record(runs.DISCOVERED)
    return job


def kept(job: Job) -> list[KeptTopic]:
    return [topic for topic in topics_kept(job.state, job.run_id) if topic.parent]


def by_values(job: Job) -> list[bool]:
    return [TOLD in topic.name for topic in kept(job)]


@pytest.mark.parametrize(
    ("gets", "told", "allowed"),
    [
        ("names", "names", True),
        ("names", "facts", False),
        ("facts", "names", True),
        ("facts", "facts", True),
        ("facts", "values", False),
        ("values", "values", True),
        ("names", "", False),
        ("facts", "", False),
        ("values", "", True),
    ],
)
def test_what_was_made_knowing_more_is_not_allowed(gets: Gets, told: str, allowed: bool) -> None:
    assert allows(gets, told) == allowed


def test_a_name_is_kept_with_how_much_its_model_was_told(state: State) -> None:
    with serving(answers(reply)) as server:
        rights: tuple[Gets, ...] = ("values", "facts", "names")
        for gets in rights:
            assert {(topic.by, topic.told) for topic in kept(run(state, server, gets))} == {("m", gets)}


def test_a_template_knows_names_alone(state: State) -> None:
    assert {(topic.by, topic.told) for topic in kept(run(state, None, "values"))} == {("", "names")}


def test_names_by_values_last_as_long_as_values_are_allowed(state: State) -> None:
    with serving(answers(reply)) as server:
        assert all(by_values(run(state, server, "values")))
        assert all(by_values(run(state, server, "values")))
    assert all(by_values(run(state, None, "values")))
    assert not any(by_values(run(state, None, "facts")))
    assert not any(by_values(run(state, None, "values"))), "what is gone is gone"


@pytest.mark.parametrize("gets", ["names", "facts"])
def test_a_model_that_is_told_less_names_anew(state: State, gets: Gets) -> None:
    with serving(answers(reply)) as server:
        first = run(state, server, "values")
        assert all(by_values(first))
        second = kept(run(state, server, gets))
    assert {topic.name for topic in second} >= {"orders", "patients", "sensors"}
    assert {topic.told for topic in second} == {gets}
    assert not any(TOLD in topic.summary for topic in second)


def test_where_it_fails_templates_name_them(state: State) -> None:
    with serving(answers(reply)) as server:
        run(state, server, "values")
    with serving(replies(400)) as server:
        assert {(topic.by, topic.told) for topic in kept(run(state, server, "names"))} == {("", "names")}


def test_names_from_names_last_when_more_is_allowed_or_no_model_is_asked(state: State) -> None:
    with serving(answers(reply)) as server:
        first = kept(run(state, server, "names"))
        assert [topic.name for topic in kept(run(state, server, "facts"))] == [topic.name for topic in first]
    again = kept(run(state, None, "names"))
    assert [(topic.name, topic.by, topic.told) for topic in again] == [(t.name, "m", "names") for t in first]


def test_a_report_shows_no_name_by_values_whatever_the_settings_are_by_then(state: State) -> None:
    with serving(answers(reply)) as server:
        job = run(state, server, "values")
    for gets in ("names", "values"):
        job.settings = replace(job.settings, semantics=replace(job.settings.semantics, endpoint_gets=gets))
        assert not any(TOLD in name.name + name.above for name in report_topics(job).names)
    job.settings = replace(job.settings, report=ReportSettings(show_values=True))
    assert all(TOLD in name.name for name in report_topics(job).names)


@pytest.mark.parametrize("gets", ["names", "facts", "values"])
def test_no_name_by_values_goes_to_a_model_that_may_know_none(state: State, gets: Gets) -> None:
    with serving(answers(reply)) as server:
        job = run(state, server, "values")
        settings = replace(job.settings.semantics, endpoint_gets=gets, answer_tokens=3000)
        index = index_of(state, runs.find_run(state), settings)
        server.asked.clear()
        answer = ask(index, "patients and orders", settings, endpoint=Endpoint(settings, {}))
    (asked,) = server.asked
    assert answer.by == "m"
    assert (TOLD in str(asked.data)) == (gets == "values")
    assert all(one["topic"] for one in asked.data["evidence"])
    assert all(TOLD in one.topic for one in answer.evidence), "it is shown here"
    assert gets == "names" or asked.data["topics"]


def test_rows_of_a_state_from_before_say_nothing_and_their_names_are_taken_for_the_worst(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pa.schema([field for field in SCHEMAS["topics"] if field.name != "told"])
    with serving(answers(reply)) as server:
        with monkeypatch.context() as then:
            then.setitem(SCHEMAS, "topics", before)
            first = run(state, server, "facts")
        assert {topic.told for topic in kept(first)} == {""}
        assert not {name.name for name in report_topics(first).names} & {topic.name for topic in kept(first)}
        assert {topic.told for topic in kept(run(state, server, "facts"))} == {"facts"}
        assert {topic.told for topic in kept(first)} == {""}

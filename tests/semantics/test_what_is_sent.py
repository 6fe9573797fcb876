"""What a real server gets of a lake, for topics and for answers: no more than ``semantics.endpoint_gets`` allows."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.catalog.state import State, open_state
from r2d2.model.comments import comments_property
from r2d2.model.dataset import Dataset
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.labels.endpoint import Endpoint
from r2d2.semantics.labels.rights import Gets
from r2d2.semantics.retrieval.ask import ask
from r2d2.semantics.retrieval.sources import Verdict
from r2d2.semantics.topics.stage import group_run
from tests.sampling import examples
from tests.semantics.endpoint_server import Asked, EndpointServer, answers, serving
from tests.semantics.small_index import SETTINGS, index_of
from tests.semantics.small_topics import SUBJECTS, dataset, lake

QUESTION = "blood of patients in a ward"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = open_state(str(tmp_path / "state"), create=True)
    with found.locked():
        yield found


def reply(asked: Asked) -> object:
    """A model that knows both forms."""
    if "question" in asked.data:
        return {"answer": "In [1].", "cited": ["1"]}
    return {"name": "Things", "summary": "Some things."}


def text_of(server: EndpointServer) -> str:
    """All that came, as the model reads it."""
    return "\n".join(asked.system + json.dumps(asked.data, ensure_ascii=False) for asked in server.asked)


def sent_for_topics(state: State, datasets: Sequence[Dataset], gets: Gets) -> str:
    with serving(answers(reply)) as server:
        asking = replace(SETTINGS, endpoint=server.url, endpoint_model="m", endpoint_gets=gets)
        group_run(state, f"run {gets}", Catalog(datasets), asking)
    assert server.asked
    return text_of(server)


def sent_for_an_answer(datasets: Sequence[Dataset], gets: Gets, folded: Sequence[tuple[str, str]] = ()) -> str:
    """The first of each two holds the second, from which it is to come back."""
    verdicts = {first: Verdict("retire", True, second, "1 min") for first, second in folded}
    with serving(answers(reply)) as server:
        asking = replace(SETTINGS, endpoint=server.url, endpoint_model="m", endpoint_gets=gets)
        answer = ask(index_of(datasets, folded, verdicts=verdicts), QUESTION, asking, endpoint=Endpoint(asking, {}))
    assert answer.by == "m", answer.failed
    return text_of(server)


def commented() -> list[Dataset]:
    """Wards and their patients, with a comment whose words no name has and which are the same in all of them."""
    told = comments_property("merger Zandovia confidential", iter([(("ward",), "Yolanthe clinics")]))
    return [replace(one, properties=told) if one.id.startswith("patients/") else one for one in lake()]


def test_words_of_comments_do_not_go_with_names(state: State) -> None:
    for sent in (sent_for_topics(state, commented(), "names"), sent_for_an_answer(commented(), "names")):
        assert "patients/patient_0" in sent
        assert "zandovia" not in sent.casefold()
        assert "yolanthe" not in sent.casefold()
    assert "Yolanthe clinics" in sent_for_topics(state, commented(), "facts")


def test_comments_still_say_what_is_alike() -> None:
    found = index_of(commented()).entities
    row = found.entity_of["patients/patient_0"]
    assert "zandovia" in found.names[row]
    assert "zandovia" not in found.called[row]


#: A word that could be said, and that nothing else holds.
SECRET = "zaqovi"
#: Values of partitions: words and whatever may be between them in the name of a directory.
VALUES = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=4), min_size=2, max_size=4
).map(SECRET.join)
#: Where a dataset can lie, and a column that it alone has.
PLACES = {
    "patients/ward={}/patient_9": "lung",
    "patients/patient_8/ward={}": "heart",
    "ward={}": "spine",
    "data/ward={}": "brain",
    "ward={}/blood.csv": "liver",
}
FIRST, SECOND, *_ = PLACES


def partitioned(value: str) -> list[Dataset]:
    """Datasets below partitions: one that can't be read, and one that holds what another one does."""
    columns = SUBJECTS["patient"]
    found = [dataset(place.format(value), (*columns, own)) for place, own in PLACES.items()]
    broken = dataset(f"patients/broken/ward={value}", (*columns, "other"))
    return [*lake(1), *found, replace(broken, status="error", reason=f"can't read {broken.id}: bad at {value}")]


@pytest.mark.parametrize("gets", ["names", "facts"])
@settings(max_examples=examples(60), deadline=None)
@given(VALUES)
def test_no_value_of_a_partition_goes_whatever_letters_it_has(gets: Gets, value: str) -> None:
    datasets = partitioned(value)
    known, other = FIRST.format(value), SECOND.format(value)
    with tempfile.TemporaryDirectory() as directory, open_state(f"{directory}/state", create=True).locked():
        topics = sent_for_topics(open_state(f"{directory}/state"), datasets, gets)
    for sent in (topics, sent_for_an_answer(datasets, gets, [(known, other)])):
        assert SECRET not in sent.casefold()
        assert "patients/ward=•••/patient_9" in sent


@pytest.mark.parametrize("gets", ["facts", "values"])
def test_sentences_are_told_with_ids_as_they_may_be_told(gets: Gets) -> None:
    known, other = FIRST.format("New York, NY"), SECOND.format("New York, NY")
    sent = sent_for_an_answer(partitioned("New York, NY"), gets, [(known, other)])
    shown = "New York, NY" if gets == "values" else "•••"
    assert f"holds all rows of patients/patient_8/ward={shown}" in sent
    assert f"back from patients/patient_8/ward={shown} in 1 min" in sent
    assert ("York" in sent) == (gets == "values")


def test_dates_of_partitions_are_no_facts(state: State) -> None:
    datasets = [*lake(1), dataset("patients/dt=2024-01-31/patient_9", SUBJECTS["patient"])]
    sent = sent_for_topics(state, datasets, "facts")
    assert "2024" not in sent
    assert "dates_in_names" in sent
    assert "2024-01-31" in sent_for_topics(state, datasets, "values")

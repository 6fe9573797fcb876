"""What a real server gets of a lake, for topics and for answers: no more than ``semantics.endpoint_gets`` allows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from r2d2.catalog.state import State, open_state
from r2d2.model.comments import comments_property
from r2d2.model.dataset import Dataset
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.labels.endpoint import Endpoint
from r2d2.semantics.labels.material import Gets
from r2d2.semantics.retrieval.ask import ask
from r2d2.semantics.topics.stage import group_run
from tests.semantics.endpoint_server import Asked, EndpointServer, answers, serving
from tests.semantics.small_index import SETTINGS, index_of
from tests.semantics.small_topics import lake

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
    return json.dumps([asked.body for asked in server.asked], ensure_ascii=False)


def sent_for_topics(state: State, datasets: Sequence[Dataset], gets: Gets) -> str:
    with serving(answers(reply)) as server:
        settings = replace(SETTINGS, endpoint=server.url, endpoint_model="m", endpoint_gets=gets)
        group_run(state, f"run {gets}", Catalog(datasets), settings)
    assert server.asked
    return text_of(server)


def sent_for_an_answer(datasets: Sequence[Dataset], gets: Gets, question: str = QUESTION) -> str:
    with serving(answers(reply)) as server:
        settings = replace(SETTINGS, endpoint=server.url, endpoint_model="m", endpoint_gets=gets)
        answer = ask(index_of(datasets), question, settings, endpoint=Endpoint(settings, {}))
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

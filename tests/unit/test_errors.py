"""What errors of others are worth a line, and what is said where nobody knows what is wrong."""

from __future__ import annotations

from py4j.protocol import Py4JError

from r2d2.errors import first_line


def test_what_java_says_is_only_its_kind_for_it_can_cite_a_password() -> None:
    text = "An error occurred while calling o60.sql.\n: org.x.UncheckedSQLException: Failed: jdbc:y://me:secret@z\n\tat"
    assert first_line(Py4JError(text)) == "org.x.UncheckedSQLException"
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"

"""Claims: two states on one lake never retire each other's parents (DELETION 1)."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from r2d2.catalog.state import State, open_state
from r2d2.errors import LakeError, NotRetirable, Tampered
from r2d2.recovery.claims.claims import ClaimKind, Claims
from r2d2.recovery.moves.lake_writer import LakeWriter


def claims_of(state: State, *roots: Path) -> Claims:
    return Claims(state, LakeWriter([str(root) for root in roots], lambda: None))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / "lake" / name).mkdir(parents=True)
    return tmp_path / "lake"


@pytest.fixture
def one(tmp_path: Path, lake: Path) -> Claims:
    return claims_of(open_state(str(tmp_path / "one"), create=True), lake)


@pytest.fixture
def other(tmp_path: Path, lake: Path) -> Claims:
    return claims_of(open_state(str(tmp_path / "other"), create=True), lake)


def test_in_no_order_of_steps_do_two_states_retire_each_others_parents(
    tmp_path: Path, one: Claims, other: Claims
) -> None:
    """Each makes its two claims and then looks; the six steps in every order that keeps each one's own."""
    for number, order in enumerate(sorted(set(permutations("111222")))):
        base = tmp_path / "lake" / f"try{number}"
        a, b = str(base / "a"), str(base / "b")
        steps = {
            "1": iter(
                (
                    lambda a=a: one.make(ClaimKind.RETIRED, a, a, "r1"),
                    lambda a=a, b=b: one.make(ClaimKind.PARENT, b, a, "r1"),
                    lambda a=a, b=b: one.refuse_taken(a, b, "r1"),
                )
            ),
            "2": iter(
                (
                    lambda b=b: other.make(ClaimKind.RETIRED, b, b, "r2"),
                    lambda a=a, b=b: other.make(ClaimKind.PARENT, a, b, "r2"),
                    lambda a=a, b=b: other.refuse_taken(b, a, "r2"),
                )
            ),
        }
        refused = set()
        for who in order:
            try:
                next(steps[who])()
            except NotRetirable:
                refused.add(who)
        assert refused, order


def test_a_claim_is_seen_by_a_state_whose_root_is_the_dataset_itself(tmp_path: Path, lake: Path, one: Claims) -> None:
    inner = claims_of(open_state(str(tmp_path / "inner"), create=True), lake / "b")
    one.make(ClaimKind.RETIRED, str(lake / "b"), str(lake / "b"), "r1")
    inner.make(ClaimKind.PARENT, str(lake / "b"), str(lake / "a"), "r2")
    assert {claim.receipt for claim in inner.on(str(lake / "b"))} == {"r1", "r2"}
    assert {claim.receipt for claim in one.on(str(lake / "b"))} == {"r1", "r2"}
    assert not list((lake / "b").parent.glob(".r2d2/claims/*/r2-*"))  # beside it is not the inner state's to write


def test_a_claim_is_read_once_by_a_command(lake: Path, one: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = str(lake / "b"), []
    real = Claims._read
    monkeypatch.setattr(Claims, "_read", lambda claims, file: read.append(file) or real(claims, file))
    for number in range(5):
        one.make(ClaimKind.PARENT, path, str(lake / f"c{number}"), f"r{number}")
        assert [claim.receipt for claim in one.on(path)] == [f"r{each}" for each in range(number + 1)]
    assert len(read) == len(set(read)) == 5


def test_a_claim_that_was_changed_since_it_was_read_is_noticed(lake: Path, one: Claims) -> None:
    path = str(lake / "b")
    for receipt in ("r1", "r2"):
        one.make(ClaimKind.PARENT, path, str(lake / "c"), receipt)
    (first, second) = one.on(path)
    content = Path(second.path).read_bytes()
    Path(second.path).write_bytes(content.replace(b"parent", b"retire"))
    with pytest.raises(Tampered):
        one.on(path)
    Path(second.path).unlink()
    assert one.on(path) == [first]


def test_claims_of_others_do_not_keep_ones_own_from_being_released(lake: Path, one: Claims, other: Claims) -> None:
    path = str(lake / "b")
    one.make(ClaimKind.PARENT, path, str(lake / "a"), "r1")
    other.make(ClaimKind.PARENT, path, str(lake / "c"), "r2")
    (damaged,) = (claim for claim in one.on(path) if claim.receipt == "r2")
    Path(damaged.path).write_bytes(b"{")
    one.release(path, "r1")
    assert [each.name for each in Path(damaged.path).parent.iterdir()] == ["r2-parent.json"]
    with pytest.raises(Tampered):
        one.on(path)


def test_released_claims_leave_nothing_behind(lake: Path, one: Claims, other: Claims) -> None:
    path = str(lake / "a")
    one.make(ClaimKind.RETIRED, path, path, "r1")
    other.make(ClaimKind.PARENT, path, path, "r2")
    one.release(path, "r1")
    assert [claim.receipt for claim in one.on(path)] == ["r2"]
    one.release(path, "r2")  # not its own
    assert [claim.receipt for claim in one.on(path)] == ["r2"]
    other.release(path, "r2")
    assert not (lake / ".r2d2").exists()


def test_a_claim_made_twice_is_one(lake: Path, one: Claims) -> None:
    path = str(lake / "a")
    one.make(ClaimKind.RETIRED, path, path, "r1")
    one.make(ClaimKind.RETIRED, path, path, "r1")
    assert len(one.on(path)) == 1


def test_a_claim_that_was_changed_is_noticed_by_who_made_it(lake: Path, one: Claims) -> None:
    path = str(lake / "a")
    one.make(ClaimKind.RETIRED, path, path, "r1")
    (file,) = (lake / ".r2d2/claims").glob("*/*.json")
    file.write_text(file.read_text().replace("r1", "r9"))
    with pytest.raises(Tampered):
        one.on(path)


def test_a_damaged_claim_of_anybody_keeps_the_dataset(lake: Path, one: Claims, other: Claims) -> None:
    path = str(lake / "a")
    other.make(ClaimKind.PARENT, path, path, "r1")
    (file,) = (lake / ".r2d2/claims").glob("*/*.json")
    file.write_text("{")
    with pytest.raises(Tampered):
        one.refuse_taken(path, str(lake / "b"), "r2")


def test_claims_are_not_written_through_a_link_out_of_the_roots(tmp_path: Path, lake: Path, one: Claims) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (lake / ".r2d2").symlink_to(outside)
    with pytest.raises((LakeError, NotRetirable)):
        one.make(ClaimKind.RETIRED, str(lake / "a"), str(lake / "a"), "r1")
    assert list(outside.iterdir()) == []

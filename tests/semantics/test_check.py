"""Settings of topics that can't work are refused before a run begins, and looking at them loads nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from r2d2.cli import main
from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.semantics.check import check_topics
from r2d2.semantics.embed import transformer
from r2d2.semantics.embed.weights import WORDLLAMA, Weights


@pytest.fixture
def with_gpu_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks as if the extra were installed; what loads a model must not be asked for."""
    monkeypatch.setattr(transformer, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(transformer, "_library", lambda _: pytest.fail("a model was loaded"))


def test_a_model_that_needs_what_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EnvironmentMissing, match=r"semantics\.model=minilm needs torch, which is not") as error:
        check_topics(SemanticsSettings(model="minilm"))
    assert "r2d2[gpu]" in error.value.hint


@pytest.mark.usefixtures("with_gpu_extra")
@pytest.mark.parametrize("model", ["nosuch", "no/such-model", "no such/model at all"])
def test_a_model_that_is_not_on_this_machine_is_refused(model: str) -> None:
    with pytest.raises(UsageError, match="there is no such model on this machine") as error:
        check_topics(SemanticsSettings(model=model))
    assert "static" in error.value.hint


@pytest.mark.usefixtures("with_gpu_extra")
def test_a_directory_is_a_model_where_one_was_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no model"):
        check_topics(SemanticsSettings(model=str(tmp_path)))
    (tmp_path / "modules.json").write_text("[]")
    check_topics(SemanticsSettings(model=str(tmp_path)))


def test_weights_that_are_not_there_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    check_topics(SemanticsSettings(model="static"))
    lacking = Weights("r2d2-no-such-package", "r2d2-no-such-package==1", WORDLLAMA.files)
    monkeypatch.setattr("r2d2.semantics.embed.static.WORDLLAMA", lacking)
    with pytest.raises(EnvironmentMissing, match="r2d2-no-such-package"):
        check_topics(SemanticsSettings(model="static"))


def test_a_gpu_that_is_asked_for_without_torch_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EnvironmentMissing, match=r"semantics\.device=cuda needs torch"):
        check_topics(SemanticsSettings(device="cuda"))


def test_nothing_is_checked_where_no_topics_are_made() -> None:
    check_topics(SemanticsSettings(topics=False, model="nosuch", device="cuda"))


def test_a_run_with_such_a_model_ends_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lake").mkdir()
    state = tmp_path / "state"
    given = ["--set", "semantics.topics=true", "--set", "semantics.model=nosuch"]
    assert main(["run", str(tmp_path / "lake"), "--state", str(state), *given]) != 0
    assert "semantics.model=nosuch" in capsys.readouterr().err
    assert not state.exists()


def test_without_a_model_of_its_own_nothing_is_loaded() -> None:
    code = (
        "import sys; from r2d2.config import SemanticsSettings; from r2d2.semantics.check import check_topics; "
        "check_topics(SemanticsSettings()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {"torch", "sentence_transformers", "transformers", "huggingface_hub", "model2vec", "tokenizers"}
    assert not loaded & set(done.stdout.split())

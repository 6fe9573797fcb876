"""The review notebooks, executed on a state and rendered as pages: what a scheduled run leaves ready to be read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from r2d2.errors import EnvironmentMissing, R2D2Error, UsageError
from r2d2.progress import Progress
from r2d2.report.render import render_notebook
from r2d2.report.vega.chart import MIME
from r2d2.review.table import PAGE

#: What a page has of its own, in its colours.
_OF_THE_PAGE = ("config", "background", "title")
_MISSING = "notebooks need papermill, nbconvert and ipykernel", "pip install 'r2d2[pages]'"


def notebooks() -> list[Path]:
    """The notebooks that come with r2d2, in order."""
    return sorted(Path(str(files("r2d2") / "notebooks")).glob("*.ipynb"))


def write_pages(
    state: str, run_id: str, target: Path, progress: Progress, config: str = "", overrides: Sequence[str] = ()
) -> list[Path]:
    """Executes each notebook in a process of its own, and writes it and its page into a directory.

    Args:
        target: made if it is missing.
        config, overrides: as ``Lake`` takes them.

    Returns:
        The pages.

    Raises:
        UsageError: the directory is that of the notebooks themselves, which would be written over.
        EnvironmentMissing: papermill or Jupyter are not installed.
        R2D2Error: a cell of a notebook failed.
        OSError: a page can't be written.
    """
    if any(path.resolve().parent == target.resolve() for path in notebooks()):
        raise UsageError(f"{target} is where the notebooks of r2d2 are", "give another directory for what they show")
    target.mkdir(parents=True, exist_ok=True)
    there = state if "://" in state else str(Path(state).absolute())  # they run in a directory of their own
    file = str(Path(config).absolute()) if config else ""
    names = [path.stem for path in notebooks()]
    pages = []
    for path in notebooks():
        with progress.stage(f"notebook {path.stem}"):
            executed = target / path.name
            _execute(path, executed, {"STATE": there, "RUN": run_id, "CONFIG": file, "SET": list(overrides)})
            page = target / f"{path.stem}.html"
            page.write_text(_page(executed, names), encoding="utf-8")
            pages.append(page)
    return pages


def _execute(path: Path, target: Path, parameters: dict[str, Any]) -> None:
    try:
        import papermill
        from papermill.exceptions import PapermillExecutionError
    except ImportError as error:
        raise EnvironmentMissing(*_MISSING) from error
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # papermill's own dependencies warn of each other
        try:
            options: dict[str, Any] = {"kernel_name": "python3", "progress_bar": False, "log_output": False}
            quiet = ["--log-level=ERROR"]  # else each kernel warns that it talks to us by TCP, on this very machine
            given = options | {"parameters": parameters, "cwd": scratch, "extra_arguments": quiet}
            papermill.execute_notebook(path, target, **given)
        except PapermillExecutionError as error:
            what = f"{path.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
            raise R2D2Error(what, f"open {target} to see where") from error


def _page(executed: Path, names: Sequence[str]) -> str:
    """The notebook's page: what it says and shows, without its code."""
    try:
        import nbformat
        from nbconvert import HTMLExporter
    except ImportError as error:
        raise EnvironmentMissing(*_MISSING) from error
    book: Any = nbformat.reads(executed.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    specs: dict[str, Any] = {}
    for output in (output for cell in book.cells for output in cell.get("outputs", ())):
        shown = output.get("data", {})
        spec = shown.get(MIME)
        if PAGE in shown:
            output["data"] = {"text/html": shown[PAGE]}
        elif spec:
            place = f"chart-{len(specs)}"
            specs[place] = {name: value for name, value in spec.items() if name not in _OF_THE_PAGE}
            renderer = ' data-renderer="canvas"' if _is_large(spec) else ""
            title = f'<p class="about">{escape(spec["description"])}</p>'
            output["data"] = {"text/html": f'{title}<div class="chart" data-chart="{place}"{renderer}></div>'}
    exporter = HTMLExporter(template_name="basic", exclude_input=True)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(book)
    others = [(_title(name), f"{name}.html") for name in names]
    return render_notebook(_title(executed.stem), body, specs, others)


def _is_large(spec: dict[str, Any]) -> bool:
    return any(len(data.get("values", ())) > 300 for data in spec.get("data", ()))


def _title(name: str) -> str:
    return name.partition("_")[2].replace("_", " ").capitalize()

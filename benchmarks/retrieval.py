"""Questions to planted catalog A, answered with the hierarchy and by its rivals: a table in Markdown.

python benchmarks/retrieval.py --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.planted.astray import answered, astray
from benchmarks.planted.catalogs import catalog_a
from benchmarks.planted.questions import Question
from benchmarks.planted.retrieval import METHODS, Score, index_of, scored
from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.embedder import embedder_of
from r2d2.semantics.retrieval.ask import ask
from r2d2.semantics.retrieval.index import Index

Scored = Sequence[tuple[Question, Mapping[str, Score]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--model", default="static")
    arguments = parser.parse_args()
    settings = SemanticsSettings(model=arguments.model)
    found: list[tuple[Question, Mapping[str, Score]]] = []
    for seed in arguments.seeds:
        catalog = catalog_a(seed)
        index = index_of(catalog, embedder_of(settings).embed, settings)
        one = scored(catalog, index, settings)
        print(f"seed {seed}: {_speed([question for question, _ in one], index, settings)}; {_falls(one)}")
        print("\n".join(_astray(index)))
        found += one
    print(f"\n{_table(found)}\n\n{_saved(found)}")


def _speed(questions: Sequence[Question], index: Index, settings: SemanticsSettings) -> str:
    took = []
    for question in questions:
        start = time.perf_counter()
        ask(index, question.text, settings)
        took.append(time.perf_counter() - start)
    return f"a question takes {1000 * median(took):.0f} ms (median), {1000 * max(took):.0f} ms at most"


def _falls(found: Scored) -> str:
    """Questions that flat search finds something for and the hierarchy nothing."""
    ten = sum(each["flat"].recall > 0 and not each["tree"].recall for _, each in found)
    evidence = sum(each["flat"].recall > 0 and not each["tree"].shown for _, each in found)
    return f"{ten} of {len(found)} questions fall to none in the first ten, {evidence} in the evidence"


def _astray(index: Index) -> Iterator[str]:
    """Questions that the catalog has no answer to."""
    for what, asked in astray().items():
        named, near = answered(index, asked)
        none = len(asked) - named - near
        yield f"  {len(asked)} questions {what}: {none} get no answer, {near} one that says it is by meaning alone"


def _table(found: Scored) -> str:
    lines = [
        "| questions | method | R-precision | recall@10 | tokens at recall 0.8, mean | median |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind in ("topic", "single", "pair"):
        for method in METHODS:
            scores = [each[method] for question, each in found if question.kind == kind]
            tokens = [score.tokens for score in scores]
            lines.append(
                f"| {kind} | {method} | {mean(score.r_precision for score in scores):.3f} "
                f"| {mean(score.recall for score in scores):.3f} | {mean(tokens):,.0f} | {median(tokens):,.0f} |"
            )
    return "\n".join(lines)


def _saved(found: Scored) -> str:
    tokens = {m: [each[m].tokens for question, each in found if question.kind == "topic"] for m in METHODS}
    lines = []
    for rival in ("flat", "dense"):
        saved = [1 - of(tokens["tree"]) / of(tokens[rival]) for of in (mean, median)]
        lines.append(f"tokens saved on topic questions, against {rival}: mean {saved[0]:.0%}, median {saved[1]:.0%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

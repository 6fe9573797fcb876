"""Tests the tests: each mutant is one change that makes the product wrong; which tests catch it?

``make mutants`` makes each in a copy of the working tree, compares generated lakes with the oracle, then, if none of
those failed, runs the unit tests of the mutated package, and prints the table of docs/mutants.md. An hour on two cores.
``python -m tests.mutants NUMBER...`` runs some.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Pairs of the generated lakes, and their seed: three times what ``make test-full`` compares.
PAIRS, SEED = "1500", "3"


@dataclass(frozen=True)
class Mutant:
    """What is changed in which module of ``r2d2``, in words and in text that occurs there once.

    Attributes:
        tests: that must catch it, where generated lakes can't: paths below ``tests``.
    """

    what: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...] = ()


#: What must notice that a rule of the plan is gone.
PLANS = (
    "unit/test_plan_policies.py",
    "unit/test_plan_limits.py",
    "unit/test_plan_actions.py",
    "unit/test_plan_history.py",
    "unit/test_optimizer.py",
    "unit/test_planner.py",
    "unit/test_candidates.py",
    "property/test_exhaustive_plans.py",
)


MUTANTS = [
    Mutant(
        "a box refutes though rows of the child lie outside of its own box",
        "containment/decide",
        "return own.rows == child.rows and (child_typed or all(condition.valid for condition in box))",
        "return True",
    ),
    Mutant(
        "a box proves by its count alone",
        "containment/decide",
        'return Verdict(Grade.PROVEN, "box") if inside.same_rows(child) else None',
        'return Verdict(Grade.PROVEN, "box") if inside.rows == child.rows else None',
    ),
    Mutant(
        "a digest proves by its count alone",
        "containment/decide",
        'return Verdict(Grade.PROVEN, "digest") if parent.same_rows(child) else None',
        'return Verdict(Grade.PROVEN, "digest") if parent.rows == child.rows else None',
    ),
    Mutant(
        "a sketch that is not complete proves",
        "containment/decide",
        "if not (child.sketch and parent.sketch and child.sketch.complete and parent.sketch.complete):",
        "if not (child.sketch and parent.sketch):",
    ),
    Mutant(
        "fewer rows than the child has are enough to refute, as many are taken for it",
        "containment/decide",
        "if inside.rows < child.rows or (inside.rows == child.rows and not inside.same_rows(child)):",
        "if inside.rows <= child.rows:",
    ),
    Mutant(
        "xor of the columns' hashes in place of the row's mix",
        "containment/hashing",
        'return f"hash(hash({low}))", f"hash(hash({_ROW_SEED}::UBIGINT, {high}))"',
        "import functools\n"
        '    low, high = (functools.reduce("xor({}, {})".format, half.split(", ")) for half in (low, high))\n'
        "    return low, high",
    ),
    Mutant(
        "the row's mix does not depend on position",
        "containment/hashing",
        'return f"hash(hash({low}))", f"hash(hash({_ROW_SEED}::UBIGINT, {high}))"',
        'low, high = (f"list_sort([{half}])" for half in (low, high))\n'
        '    return f"hash({low}::VARCHAR)", f"hash({high}::VARCHAR || 1)"',
    ),
    Mutant(
        "NULL hashes like the empty text",
        "containment/hashing",
        "        return Canonical(text=value, binary=family == BINARY)",
        "        kind = '::BLOB' if family == BINARY else ''\n"
        "        return Canonical(text=f\"coalesce({value}, ''{kind})\", binary=family == BINARY)",
    ),
    Mutant(
        "bytes are hashed at one alignment only",
        "containment/hashing",
        '_PREFIXES = ("", "r2d2r2d2r2d2", "r2d2r2d2r2d2r2", "r2d2r2d2r2d2r2d2r2")',
        '_PREFIXES = ("", "", "", "")',
    ),
    Mutant(
        "numbers finer than the short form are rounded to it",
        "containment/hashing",
        'conditions.append(f"coalesce({rounded} = {value}, false)")',
        "pass",
    ),
    Mutant(
        "timestamps are cut to microseconds",
        "containment/hashing",
        'return _either(f"({value}) % 1000 = 0", whole, f"({value})::VARCHAR", _NULL_TIME)',
        "return Canonical(whole, null=_NULL_TIME)",
    ),
    Mutant(
        "texts are compared by their first 32 bytes",
        "containment/hashing",
        "        return Canonical(text=value, binary=family == BINARY)",
        '        return Canonical(text=f"({value})[1:32]", binary=family == BINARY)',
    ),
    Mutant(
        "a NULL element of a list leaves no trace",
        "containment/encoding",
        "return f\"coalesce('v' || {text} || ';', 'n')\"",
        "return f\"coalesce('v' || {text} || ';', '')\"",
    ),
    Mutant(
        "the parts of nested values have no end",
        "containment/encoding",
        "return f\"coalesce('v' || {text} || ';', 'n')\"",
        "return f\"coalesce({text}, 'n')\"",
    ),
    Mutant(
        "lists don't say how long they are",
        "containment/encoding",
        "return f\"(len({value}) || '[' || array_to_string({parts}, ''))\"",
        "return f\"array_to_string({parts}, '')\"",
    ),
    Mutant(
        "maps in the order of their file",
        "containment/encoding",
        'parts = f"list_sort(list_transform(map_entries({value}), lambda {name}: {entry}))"',
        'parts = f"list_transform(map_entries({value}), lambda {name}: {entry})"',
    ),
    Mutant(
        "a null struct in a list is a struct of nulls",
        "containment/encoding",
        "return f\"CASE WHEN ({value}) IS NULL THEN NULL ELSE {' || '.join(fields)} END\"",
        "return f\"({' || '.join(fields)})\"",
    ),
    Mutant(
        "the presence of a struct is always true",
        "containment/hashing",
        'return Canonical(f"(({value}) IS NOT NULL)")',
        'return Canonical(f"(({value}) IS NOT NULL OR true)")',
    ),
    Mutant(
        "the bound of a sketch is ignored",
        "containment/sketch",
        "mine, theirs = below(child, bound), below(parent, bound)",
        "mine, theirs = child, parent",
    ),
    Mutant(
        "merged sketches forget how often a row occurs in each part",
        "containment/sketch",
        "else np.add.reduceat(count[order], starts)",
        "else np.maximum.reduceat(count[order], starts)",
    ),
    Mutant(
        "sets in place of bags in the join",
        "containment/sketch",
        "lacking = np.flatnonzero(child.count > held)",
        "lacking = np.flatnonzero(held == 0)",
    ),
    Mutant(
        "parts of a side are not added up in the join of values",
        "containment/join",
        "sum(n)::BIGINT AS n FROM parts GROUP BY ALL",
        "max(n)::BIGINT AS n FROM parts GROUP BY ALL",
    ),
    Mutant(
        "min-max takes the child's bounds for tight",
        "containment/minmax",
        "low_child = [rank[b.low] if b and b.low_tight else _NEVER_HIGH for b in mine]",
        "low_child = [rank[b.low] if b else _NEVER_HIGH for b in mine]",
    ),
    Mutant(
        "min-max takes the parent's bounds for valid",
        "containment/minmax",
        "high_parent = [-rank[b.high] if b and b.high_valid else -_NEVER_HIGH for b in theirs]",
        "high_parent = [-rank[b.high] if b else -_NEVER_HIGH for b in theirs]",
    ),
    Mutant(
        "an unknown count of NULLs is taken for none",
        "containment/minmax",
        "return np.asarray([-1 if value is None else value for value in values], np.int64)",
        "return np.asarray([value or 0 for value in values], np.int64)",
    ),
    Mutant(
        "a box leaves NULL out",
        "containment/box",
        'return f"CASE WHEN ({value}) IS NULL THEN {str(condition.nulls).lower()} ELSE {inside} END"',
        'return f"CASE WHEN ({value}) IS NULL THEN false ELSE {inside} END"',
    ),
    Mutant(
        "a box leaves NaN out",
        "containment/box",
        'inside = f"({inside} OR isnan({number}))"',
        'inside = f"({inside} AND NOT isnan({number}))"',
    ),
    Mutant(
        "a null struct is a struct of nulls",
        "lake/layout",
        "    yield LeafColumn(path, positions, column, presence=True)",
        "    yield from ()",
    ),
    Mutant(
        "a text that is a number under no grammar is cast as DuckDB does",
        "lake/text_views",
        "    if family == NUMBER:\n        return _is_number(x)",
        '    if family == NUMBER:\n        return f"(TRY_CAST({x} AS DOUBLE) IS NOT NULL)"',
    ),
    Mutant(
        "JSON numbers are doubles",
        "lake/json_canonical",
        "parse_int=integer, parse_float=fraction",
        "parse_int=lambda t: canonical_number(repr(float(t))), parse_float=lambda t: canonical_number(repr(float(t)))",
    ),
    Mutant(
        "quoted empty fields of a CSV are NULL",
        "lake/csv_text",
        "allow_quoted_nulls=false",
        "allow_quoted_nulls=true",
    ),
    Mutant(
        "lists in JSON are compared without what does not convert",
        "lake/json_nested",
        'return "n" if value is None else f"v{encoded(value, family)};"',
        'return "" if value is None else f"v{encoded(value, family)};"',
    ),
    Mutant(
        "a token for NULL is NULL as a text, too",
        "lake/text_views",
        "if not column.null_token or family == STRING:",
        "if not column.null_token:",
    ),
    Mutant(
        "rows are compared by one half of their hash in the join",
        "containment/sketch",
        "found = tied & (held.high[clipped] == wanted.high)",
        "found = tied",
    ),
    Mutant(
        "an edge leads to any view of its parent",
        "containment/views",
        "agreeing = [view for view in self.nodes[dataset] if asked <= set(view)]",
        "agreeing = list(self.nodes[dataset])",
    ),
    Mutant(
        "of all pairs at once, digests prove by their count alone",
        "containment/wholes",
        "numbers.setdefault((measure.rows, measure.low, measure.high), len(numbers))",
        "numbers.setdefault((measure.rows, 0, 0), len(numbers))",
    ),
    Mutant(
        "copies are known by their count alone",
        "containment/wholes",
        "key = number, measure.rows, measure.low, measure.high",
        "key = number, measure.rows, 0, 0",
    ),
    Mutant(
        "bounds of texts are taken for exact where a box refutes",
        "containment/verify",
        "typed = not self.datasets[index].has_views",
        "typed = True",
    ),
    Mutant(
        "copies of what can't be read any more go on standing with it",
        "containment/verify",
        "        self._part_failed(result)",
        "        result.pairs.lose(list(self.scanner.failed))",
    ),
    Mutant(
        "what followed from pairs of a dataset that can't be read stays as it is",
        "containment/pairs",
        'self.reopen(np.flatnonzero(self.how == HOWS.index("implied")))',
        "pass",
    ),
    Mutant(
        "a sketch that lists only some rows lacks the others (posting lists)",
        "containment/postings",
        "covered = self.complete | (self.lows[entry] < self.bounds)",
        "covered = np.ones(len(self.group), bool)",
    ),
    Mutant(
        "a sketch that lists only some rows proves (posting lists)",
        "containment/postings",
        "elif self.complete[at] and self.own_complete:",
        "elif self.complete[at]:",
    ),
    Mutant(
        "sets in place of bags in posting lists",
        "containment/postings",
        "lacking = self.counts > listed[self.ids]",
        "lacking = listed[self.ids] == 0",
    ),
    Mutant(
        "a row that a proven parent has and the child has not refutes the child's other parents",
        "containment/postings",
        "lacking = listed[known.rows] > known.held",
        "lacking = known.held >= 0",
    ),
    Mutant(
        "nodes of one component have one bit",
        "containment/postings",
        "self._bit[order] = np.arange(size) - np.repeat(first, np.diff(np.append(first, size)))",
        "self._bit[order] = 0",
    ),
    Mutant(
        "rows that share a half are one row in posting lists",
        "containment/postings",
        "first[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])",
        "first[1:] = low[order][1:] != low[order][:-1]",
    ),
    Mutant(
        "what lacks a row of the larger set lacks one of the smaller",
        "containment/closure",
        "return bool(self.above[self.group_of[parent]] & self.lacking[self.group_of[child]])",
        "return bool(self.above[self.group_of[child]] & self.lacking[self.group_of[parent]])",
    ),
    Mutant(
        "what holds a set is in it",
        "containment/closure",
        "        for holder in condensed.predecessors(group):",
        "        for holder in condensed.successors(group):",
    ),
    Mutant(
        "sums of hashes wrap in each batch",
        "containment/sketch",
        "return [a + (b << 32) for a, b in",
        "return [(a + (b << 32)) % 2**64 for a, b in",
    ),
    Mutant(
        "rows that are brought together replace those before them",
        "containment/accumulate",
        "kept[:] = [merge([*kept, part]) if kept else part]",
        "kept[:] = [part]",
    ),
    Mutant(
        "files that are scanned together are of the first dataset",
        "containment/scan",
        'return "0::BIGINT" if len(tasks) == 1 else "file_index::BIGINT"',
        'return "0::BIGINT"',
    ),
    Mutant(
        "of datasets that are scanned together all have the sketch that the first one is asked for",
        "containment/accumulate",
        "whose = slots if len(self.requests) > 1 else 0",
        "whose = 0",
    ),
    Mutant(
        "the hashes of datasets that are scanned together are kept as those of the first",
        "containment/scan",
        "keepers[owners[start]].items()",
        "keepers[0].items()",
    ),
    Mutant(
        "containments are taken over though a dataset has changed",
        "contained",
        'digest.update(f"\\n{row}".encode("utf-8", "surrogatepass"))',
        'digest.update(b"row")',
    ),
    Mutant(
        "containments are taken over from a run that did not read all",
        "contained",
        'not self.funnel.limit and not any(dataset.status == "unprovable" for dataset in self.datasets)',
        "True",
    ),
    Mutant(
        "equal rows fall into several ranges of the join",
        "containment/join",
        "    number = range_of(rows.low, ranges)",
        "    number = (np.arange(len(rows.low)) % ranges).astype(np.uint16)",
    ),
    Mutant(
        "only the first part of a side is compared in the join",
        "containment/join",
        "merge([unpack(data, COMPLETE) for data in packed])",
        "merge([unpack(packed[0], COMPLETE)])",
    ),
    Mutant(
        "values are not compared in the join of values",
        "containment/join",
        "AND p.lo = c.lo AND p.hi = c.hi AND p.row = c.row",
        "AND p.lo = c.lo AND p.hi = c.hi",
    ),
    Mutant(
        "a latency limit of 0 allows what takes no time",
        "retention/latency",
        "quick: Flags = (limits > 0) & (seconds <= limits)",
        "quick: Flags = seconds <= limits",
        PLANS,
    ),
    Mutant(
        "no latency limit",
        "retention/rebuilds",
        "return within_all(seconds, self.profiles.limit[child])",
        "return seconds >= 0",
        PLANS,
    ),
    Mutant(
        "what does not pay back in time is retired",
        "retention/profiles",
        "paying &= once <= settings.payback_months * saving",
        "pass",
        PLANS,
    ),
    Mutant(
        "what saves less than min_saving is retired",
        "retention/profiles",
        "(saving > EPSILON) & (saving >= settings.min_saving)",
        "saving > EPSILON",
        PLANS,
    ),
    Mutant(
        "the solver may rebuild from what is not kept",
        "retention/optimizer/milp",
        "self._problem += x <= self._keep[place]",
        "pass",
        PLANS,
    ),
    Mutant(
        "the solver may neither keep nor rebuild",
        "retention/optimizer/milp",
        "for option in options]) == 1",
        "for option in options]) <= 1",
        PLANS,
    ),
    Mutant("no budget of money", "retention/limits", '_NAMES = ("max_rebuild_cost", ', "_NAMES = (", PLANS),
    Mutant("no budget of datasets", "retention/limits", '"max_retired_datasets", ', "", PLANS),
    Mutant("no budget of bytes", "retention/limits", ', "max_retired_bytes")', ",)", PLANS),
    Mutant("the solver knows no budgets", "retention/optimizer/milp", "        self._add_budgets()\n", "", PLANS),
    Mutant(
        "the solver knows no evacuation limit",
        "retention/optimizer/milp",
        "        self._add_evacuation()\n",
        "",
        PLANS,
    ),
    Mutant(
        "plans are not checked against the evacuation limit",
        "retention/optimizer/repair",
        "if np.any(taken > instance.evacuation * (1 + TOLERANCE)):",
        "if False:",
        PLANS,
    ),
    Mutant(
        "plans are not checked against budgets",
        "retention/optimizer/repair",
        "if np.any(usage_of(instance, option) > limits * (1 + TOLERANCE)):",
        "if False:",
        PLANS,
    ),
    Mutant("legal holds don't count", "retention/policies", "if usage.hold:", "if False:", PLANS),
    Mutant("tags don't count", "retention/policies", "    if tags:\n", "    if False:\n", PLANS),
    Mutant("what is new may go", "retention/policies", "if age < settings.min_age_days:", "if False:", PLANS),
    Mutant("unknown reads are none", "retention/policies", 'settings.unknown_reads == "keep" and', "False and", PLANS),
    Mutant("consumers don't count", "retention/policies", 'settings.consumers == "keep" and', "False and", PLANS),
    Mutant(
        "what is pinned may go",
        "retention/policies",
        "[dataset.id not in pinned for dataset in datasets]",
        "[True for dataset in datasets]",
        PLANS,
    ),
    Mutant(
        "a parent with fewer readers stands for the child",
        "retention/policies",
        "if EVERYONE not in held.rights and not mine.rights <= held.rights:",
        "if False:",
        PLANS,
    ),
    Mutant(
        "copies with other readers stand for each other",
        "retention/policies",
        "if same and mine.rights != held.rights:",
        "if False:",
        PLANS,
    ),
    Mutant(
        "copies of other sensitivity stand for each other",
        "retention/policies",
        "if same and _differ(mine.sensitivity, held.sensitivity):",
        "if False:",
        PLANS,
    ),
    Mutant(
        "a parent in another region stands for the child",
        "retention/policies",
        "if _differ(mine.region, held.region):",
        "if False:",
        PLANS,
    ),
    Mutant(
        "a parent in another root stands for the child",
        "retention/policies",
        "if mine.root != held.root and not self.across_roots:",
        "if False:",
        PLANS,
    ),
    Mutant(
        "a parent that expires first stands for the child",
        "retention/policies",
        "if held.expires is not None and (mine.expires is None or held.expires < mine.expires):",
        "if False:",
        PLANS,
    ),
    Mutant("a copy displaces its source", "retention/policies", "if same and mine.rank > held.rank", "if False", PLANS),
    Mutant(
        "a nightly copy is retired",
        "retention/policies",
        "advised=retirable & live,",
        "advised=retirable & ~retirable,",
        PLANS,
    ),
    Mutant(
        "duplicates are thinned out though budgets may need them",
        "retention/heads",
        "not self._limited and any(",
        "any(",
        PLANS,
    ),
    Mutant(
        "duplicates are thinned out though a parent may have only so much rebuilt",
        "retention/heads",
        " or self._settings.evacuation_limit:",
        ":",
        PLANS,
    ),
    Mutant(
        "duplicates are thinned out though policies tell them apart",
        "retention/heads",
        "alike[self._rebuilds.policies.kind(member)]",
        "alike[0, False]",
        PLANS,
    ),
    Mutant(
        "the linear-time program is used where a farther ancestor is cheaper",
        "retention/optimizer/chains",
        "if np.any(above[parent[follows - 1]] != parent[follows]):",
        "if False:",
        PLANS,
    ),
    Mutant(
        "presolve drops what a cheapest plan needs",
        "retention/optimizer/presolve",
        "| (cost < anyway[child]) |",
        "| (cost < 0.9 * anyway[child]) |",
        PLANS,
    ),
    Mutant(
        "the bound forgets what was left out",
        "retention/optimizer/bound",
        "np.minimum(price, instance.cap)",
        "price",
        PLANS,
    ),
    Mutant(
        "undoing the plan before costs nothing",
        "retention/history",
        "np.where(self.gone[members], share * keep, 0.0)",
        "0.0 * keep",
        PLANS,
    ),
    Mutant(
        "the parent of the plan before is not preferred",
        "retention/optimizer/instance",
        "later[places:] = ~pairs.first",
        "pass",
        PLANS,
    ),
    Mutant(
        "an archive is as fast as any class",
        "retention/tiers",
        "and within(tier.first_byte_seconds + seconds, limit)",
        "and within(seconds, limit)",
        PLANS,
    ),
    Mutant(
        "a view stands in the place of a path",
        "retention/rebuilds",
        "yield REDIRECT, self.views[child]",
        "yield REDIRECT, None",
        PLANS,
    ),
    Mutant(
        "reads of a day count for a month",
        "retention/context",
        "if (reads.until - reads.since) / day >= window_days",
        "if True",
        PLANS,
    ),
    Mutant(
        "what a job writes again and should not is a parent",
        "retention/decisions",
        "usable = ~stopping[found.parent]",
        "usable = np.ones(len(found.parent), np.bool_)",
        PLANS,
    ),
    Mutant(
        "a view may be retired",
        "retention/policies",
        "        elif not dataset.retirable:\n",
        "        elif False:\n",
        PLANS,
    ),
    Mutant(
        "deleted rows of a Delta table are read",
        "containment/scan",
        'terms.append(f"file_row_number NOT IN (SELECT place FROM {gone})")',
        "pass",
        ("unit/test_delta_vectors.py",),
    ),
    Mutant(
        "deleted rows of small files, which are held as arrays, are read",
        "containment/scan_groups",
        "        not any(file.partition or file.vector for file in files)\n        and all(",
        "        not any(file.partition for file in files)\n        and all(",
        ("unit/test_delta_vectors.py",),
    ),
    Mutant(
        "bounds of files with deleted rows count as met",
        "catalog/delta_leaves",
        "return replace(bounds, low_tight=False, high_tight=False)",
        "return bounds",
        ("unit/test_delta_vectors.py",),
    ),
    Mutant(
        "a deletion vector is believed without its checksum",
        "lake/delta_vectors",
        'if zlib.crc32(content) != struct.unpack_from(">I", data, vector.size + 4)[0]:',
        "if False:",
        ("unit/test_delta_vectors.py",),
    ),
    Mutant(
        "a deletion vector may take out other rows than its log says",
        "lake/delta_vectors",
        "if len(found) != vector.rows:",
        "if False:",
        ("unit/test_delta_vectors.py",),
    ),
    Mutant(
        "a dropped column of a file is taken for one of the table that has its name",
        "catalog/delta_leaves",
        '_DROPPED = "\\0"',
        '_DROPPED = ""',
        ("unit/test_delta_vectors.py", "unit/test_delta_mapping.py"),
    ),
    Mutant(
        "what Spark reads is believed whatever the log says",
        "catalog/assembly",
        "if expected is not None and expected != summary.rows:",
        "if False:",
        ("unit/test_read_by_spark.py",),
    ),
    Mutant(
        "Spark may read what it can't hand over exactly",
        "lake/spark_rows",
        "if isinstance(kind, UserDefinedType) or name not in _EXACT:",
        "if False:",
        ("unit/test_read_by_spark.py",),
    ),
    Mutant(
        "a table that has a damaged file is left to Spark",
        "catalog/described",
        'all(file.path in summaries and summaries[file.path].status == "ok" for file in candidate.files)',
        "True",
        ("unit/test_read_by_spark.py",),
    ),
    Mutant(
        "a file that changed while Spark handed it over counts",
        "lake/spark_files",
        "if path.stat().st_size != file.size or modified != file.mtime_ns // 1_000_000:",
        "if False:",
        ("unit/test_read_by_spark.py",),
    ),
    Mutant(
        "a lease that another run holds is taken",
        "catalog/store_lease",
        "        if seen.holder:\n            return seen.holder\n",
        "",
        ("stores/test_store_state.py",),
    ),
    Mutant(
        "a run whose lease is over writes to the state",
        "catalog/store_lease",
        "if _now() >= self._ends:",
        "if False:",
        ("stores/test_store_state.py",),
    ),
    Mutant(
        "a commit does not look whether another run has begun to write",
        "catalog/commit",
        "if version >= 0 and int(_log(location, version).get(_FENCE, 0)) > fence:",
        "if False:",
        ("stores/test_store_state.py",),
    ),
]


def caught(mutant: Mutant) -> tuple[str, str]:
    """What catches it: the first failure among generated lakes, and, if there is none, the first failing unit test."""
    with tempfile.TemporaryDirectory(prefix="r2d2-mutant-") as name:
        copy = Path(name)
        for part in ("r2d2", "tests", "benchmarks", "docs", "pyproject.toml"):
            source = ROOT / part
            shutil.copytree(source, copy / part) if source.is_dir() else shutil.copy(source, copy / part)
        module = copy / "r2d2" / f"{mutant.module}.py"
        text = module.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.what}: its text occurs {text.count(mutant.old)} times in {mutant.module}.py")
        module.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        if mutant.tests:
            return "", _pytest(copy, *(f"tests/{path}" for path in mutant.tests))
        lakes = _pytest(copy, "tests/property")
        if lakes:
            return lakes, ""
        package = mutant.module.split("/")[0]
        return "", _pytest(copy, "tests/unit", "-k", _about(package), "-m", "not spark")


def _about(package: str) -> str:
    """The unit tests that mirror a package's modules, or one module."""
    modules = sorted((ROOT / "r2d2" / package).glob("[a-z]*.py"))
    return " or ".join(f"test_{name}" for name in [module.stem for module in modules] or [package])


def _pytest(copy: Path, *arguments: str) -> str:
    """The first failing test with its message; empty if all pass."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "R2D2_PAIRS": PAIRS,
        "R2D2_SEED": SEED,
        "R2D2_SHRINK": "0",
        "R2D2_FULL": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", *arguments]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    message = re.search(r"^E\s+(\w*Error.*|.*assert .*)$", done.stdout, re.MULTILINE)
    where = failed[1].split("::")[-1] if failed else f"pytest ended with {done.returncode}"
    return f"{where}: {message[1][:90] if message else ''}".rstrip(": ")


def main(numbers: list[int]) -> None:
    chosen = [(n, MUTANTS[n - 1]) for n in numbers or range(1, len(MUTANTS) + 1)]
    for number, mutant in chosen:
        lakes, unit = caught(mutant)
        test = (lakes or unit).split(":")[0]
        by = "generated lakes" if test.startswith("test_generated_lakes") else f"`{test}`" if test else "**nothing**"
        print(f"| {number} | {mutant.what} | `{mutant.module}` | {by} |", flush=True)
        print(f"{number}: {lakes or unit or 'survives'}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])

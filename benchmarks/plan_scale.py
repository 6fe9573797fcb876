"""How long a plan of a large lake takes: ``python -m benchmarks.plan_scale [--components N]``.

Components of 500 datasets in layers of 25: each dataset but those of the first layer is held by up to ten of the two
layers before its own. Sizes are Pareto-distributed, smaller from layer to layer. 200 components are 100,000 datasets
and 950,000 edges of the reduction. No budget binds.
"""

from __future__ import annotations

import argparse
import random
import resource
import time

from r2d2.config import RetentionSettings
from r2d2.model import Dataset, Edge, Grade
from r2d2.retention.planner import make_plan

_SIZE, _LAYER, _PARENTS = 500, 25, 10
_SETTINGS = RetentionSettings(accesses_per_month=1.0, latency_limit=36_000)


def lake(components: int, seed: int = 1) -> tuple[list[Dataset], list[Edge]]:
    """The datasets, and who holds whom."""
    rng = random.Random(seed)
    datasets: list[Dataset] = []
    edges: list[Edge] = []
    for component in range(components):
        names = [f"c{component:03}/d{number:03}" for number in range(_SIZE)]
        for number, name in enumerate(names):
            size = int(rng.paretovariate(0.8) * 1e9 / (1 + number / (2 * _LAYER)))
            datasets.append(Dataset(name, "parquet", f"/{name}", "v1", bytes=size, rows=_SIZE - number))
            layer = number // _LAYER * _LAYER
            before = names[max(0, layer - 2 * _LAYER) : layer]
            for parent in rng.sample(before, min(_PARENTS, len(before))):
                edges.append(Edge(parent, name, Grade.PROVEN, 1, 2, False, "join", ""))
    return datasets, edges


def main() -> None:
    """Prints what the plan took and what it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, default=200)
    datasets, edges = lake(parser.parse_args().components)
    started = time.monotonic()
    plan = make_plan(datasets, edges, [], _SETTINGS)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{len(datasets):,} datasets, {len(edges):,} edges: {seconds:.1f} s, {peak:,} MB at most")
    print(f"{len(plan.retired):,} retired, proven the cheapest: {plan.optimal}; {plan.solver}")


if __name__ == "__main__":
    main()

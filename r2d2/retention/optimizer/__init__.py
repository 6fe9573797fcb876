"""The retention model and what solves it."""

from r2d2.retention.optimizer.instance import Budget, Instance, Pairs, Solution
from r2d2.retention.optimizer.solver import (
    BOUND,
    CHAINS,
    DIRECT,
    HEURISTIC,
    SOLVER,
    most_options,
    solve,
    solve_together,
)

__all__ = [
    "BOUND",
    "CHAINS",
    "DIRECT",
    "HEURISTIC",
    "SOLVER",
    "Budget",
    "Instance",
    "Pairs",
    "Solution",
    "most_options",
    "solve",
    "solve_together",
]

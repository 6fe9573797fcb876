"""The words of DESIGN 2 as frozen dataclasses: no Spark, no I/O."""

from r2d2.model.dataset import Bounds, BoundValue, DataFile, Dataset, FileSummary, Leaf, LeafPath
from r2d2.model.edge import Edge, Grade, Projection, Witness
from r2d2.model.plan import Action, Plan, PlannedDataset

__all__ = [
    "Action",
    "BoundValue",
    "Bounds",
    "DataFile",
    "Dataset",
    "Edge",
    "FileSummary",
    "Grade",
    "Leaf",
    "LeafPath",
    "Plan",
    "PlannedDataset",
    "Projection",
    "Witness",
]

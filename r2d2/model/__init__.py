"""The words of DESIGN 2 as frozen dataclasses: no Spark, no I/O."""

from r2d2.model.dataset import Bounds, BoundValue, DataFile, Dataset, FileSummary, Leaf, LeafPath, OtherFiles
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
    "OtherFiles",
    "Plan",
    "PlannedDataset",
    "Projection",
    "Witness",
]

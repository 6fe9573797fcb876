"""How a dataset is told among the rows of its parent: predicates, lists of places, and what no recipe gives back."""

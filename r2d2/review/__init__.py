"""Reviews in notebooks: a lake as its state has it, a module for each notebook, and what they show."""

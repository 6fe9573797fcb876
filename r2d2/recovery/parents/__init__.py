"""What became of a parent since, whether it can lose rows, and recipes that are carried over to what it holds now."""

"""Deleting so that it can be undone: recipes, quarantine, restore, purge, guard (DELETION.md)."""

"""Who holds what in a lake: claims beside datasets, locks of roots, and who refers to whose files."""

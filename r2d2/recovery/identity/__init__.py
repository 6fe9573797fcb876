"""When data is the same, not only equal (DELETION 3)."""

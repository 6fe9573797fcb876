"""Whether all that is retired can still be given back, and what is done about it (DELETION 4)."""

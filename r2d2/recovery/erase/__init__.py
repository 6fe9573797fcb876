"""People's rows go from all that is retired, and their keys from the state (DELETION 4)."""

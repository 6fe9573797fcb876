"""Headers of files, what of a file must come back besides rows, and writers that give files with a header."""

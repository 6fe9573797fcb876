"""Vega, its specifications of our charts, and what fills them: read as they are, nothing is fetched."""

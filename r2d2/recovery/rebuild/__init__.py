"""Recipes are followed, and what comes of it is compared with what was there."""

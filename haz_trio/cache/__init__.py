"""ACTS: what a key is made of, and what is stored under it."""

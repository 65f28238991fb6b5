"""The rules of workspaces, graphs, runs and caches, written to be read.

Imports nothing of haz but itself, so that it is wrong in its own ways only.
Data come as they stand in the files: dictionaries, lists, texts, numbers, booleans and ``None``.
"""

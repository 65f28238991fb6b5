"""The experiments of the specification (cli.md 16): what is typed, where, and what comes of it.

The tables are data: a text file for each of them, and ``workspaces.txt`` for what they share.
``python -m tests.cli.rows`` replays them and prints what agrees with the original.
"""

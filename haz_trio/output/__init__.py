"""SHOWS: events as lines, and the console that owns the terminal."""

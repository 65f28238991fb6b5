"""ENTRY: the command line; the only place with trio.run and sys.exit."""

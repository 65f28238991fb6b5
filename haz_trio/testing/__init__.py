"""The public test kit: judges an engine, a store, a process back end, or any program named haz.

Needs the extra ``haz-trio[testing]``; nothing that ``haz`` itself runs imports it.

    strategies   Hypothesis strategies for workspaces, references, patterns, edits, …
    models       declarations as objects of ``haz_trio.model``
    reference    the rules written once more, for clarity alone; shares no code with the engine
    workspace    ``WorkspaceMachine``: drives an executable and compares it with the reference
    command      ``haz-conformance``
"""

"""haz-trio: a monorepo task runner on Trio. Facts in, decisions out.

The rooms, lowest floor first; a module imports from lower floors and from its own room.

    errors   places, diagnostics, one tree of exceptions
    model    PURE   what a workspace consists of
    graph    PURE   effective tasks, edges, static errors, closures, selection
    plan     PURE   facts in, decisions out
    abc             the ports: Store, RunCommand, Observer
    config   READS  files into a workspace
    cache    ACTS   what a key is made of, and what is stored under it
    process  ACTS   programs in sessions of their own
    vcs      ACTS   which paths changed, through git
    engine   JOINS  the plan and the world
    output   SHOWS  events as lines, and the console
    cli      ENTRY  the command line
"""

__version__ = "0.1.0"

"""haz-trio: a monorepo task runner on Trio. Facts in, decisions out.

The rooms, lowest floor first; a module imports from lower floors and from its own room.

    values   frozen value classes, made without compiling
    errors   places, diagnostics, one tree of exceptions
    model    PURE   what a workspace consists of
    graph    PURE   effective tasks, edges, static errors, closures, selection
    plan     PURE   facts in, decisions out
    abc             the ports: Store, RunCommand, Observer
    frames          sealed state files
    config   READS  files into a workspace
    cache    ACTS   what a key is made of, and what is stored under it
    process  ACTS   programs in sessions of their own
    functions ACTS  Python functions as tasks
    vcs      ACTS   which paths changed, through git
    engine   JOINS  the plan and the world
    output   SHOWS  events as lines, and the console
    cli      ENTRY  the command line
    memo     ENTRY  a run in which nothing has moved, said again
    testing         the test kit, an extra: what must hold of an engine, a store, a program

The public names below are loaded when they are first used, so that a command pays only for
what it needs:

    workspace = haz_trio.load_workspace(".")
    async with haz_trio.open_engine(workspace) as engine:
        report = await engine.run()
"""

__version__ = "0.1.0"

_HOMES = {
    "haz_trio.abc": (
        "Collected",
        "Command",
        "Emit",
        "Ending",
        "Evidence",
        "Found",
        "Miss",
        "NotStored",
        "Observer",
        "Pending",
        "ReadableRecipe",
        "Restored",
        "RunCommand",
        "Stop",
        "Store",
        "Stored",
        "Subject",
    ),
    "haz_trio.engine.built": ("add_tasks", "make_project", "make_task", "make_workspace"),
    "haz_trio.config.load": ("load_workspace",),
    "haz_trio.engine.engine": ("Engine",),
    "haz_trio.engine.opening": ("open_engine",),
    "haz_trio.engine.stream": ("EventStream", "Told"),
    "haz_trio.errors": (
        "ArgumentError",
        "ChangesetError",
        "ConfigError",
        "CycleError",
        "Diagnostic",
        "GraphError",
        "HazError",
        "InputError",
        "InvalidTextError",
        "OutputCollisionError",
        "OutputError",
        "SelectionError",
        "Severity",
        "SourceText",
        "Span",
        "SpawnError",
        "TaskError",
        "UnknownTaskError",
        "UsageError",
    ),
    "haz_trio.functions.context": ("CommandFailedError", "TaskContext"),
    "haz_trio.graph.build": ("build_graph",),
    "haz_trio.graph.graph": ("TaskGraph",),
    "haz_trio.graph.selection": ("resolve",),
    "haz_trio.engine.explain": ("explain",),
    "haz_trio.engine.reasons": ("open_reasons",),
    "haz_trio.model.names": ("TaskId",),
    "haz_trio.model.references": ("Reference", "parse_reference"),
    "haz_trio.model.tasks": ("Mutex", "MutexMode", "MutexScope", "Task"),
    "haz_trio.model.workspace": (
        "Containment",
        "HashName",
        "KeepOutputs",
        "Project",
        "Settings",
        "Workspace",
    ),
    "haz_trio.plan.messages": (
        "CommandEnded",
        "Event",
        "Obstacle",
        "RunClosed",
        "RunFinished",
        "RunNote",
        "RunStarted",
        "RunStopping",
        "Stream",
        "TaskBegun",
        "TaskMissed",
        "TaskNote",
        "TaskOutput",
        "TaskReady",
        "TaskResumed",
        "TaskSettled",
        "TaskStarted",
        "TaskWaits",
        "TryFailed",
        "ViolationFound",
    ),
    "haz_trio.plan.outcome": (
        "ByCaller",
        "BySignal",
        "ByTimeLimit",
        "Cancelled",
        "Completed",
        "Errored",
        "Exited",
        "Failed",
        "InFlight",
        "InRuntimeCycle",
        "Outcome",
        "OutputOverlap",
        "Record",
        "RunCancelled",
        "RunReport",
        "RuntimeCycle",
        "Sent",
        "Signalled",
        "Skipped",
        "Source",
        "TimedOut",
        "UpstreamCancelled",
        "UpstreamErrored",
        "UpstreamFailed",
        "exit_code_for",
    ),
    "haz_trio.plan.policy": ("CacheUse", "Policy"),
    "haz_trio.plan.simulation": ("Change", "Simulation", "Step", "simulate"),
    "haz_trio.plan.statistics": ("PlanStatistics",),
    "haz_trio.plan.timeline": ("End", "Mark", "Moment", "Timeline"),
    "haz_trio.plan.waits": (
        "ForDependency",
        "ForEqual",
        "ForMutex",
        "ForRunner",
        "ForSlot",
        "ForTag",
        "Spent",
        "Wait",
    ),
    "haz_trio.query.asking": ("query_tasks",),
    "haz_trio.query.filters": ("QueryError",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

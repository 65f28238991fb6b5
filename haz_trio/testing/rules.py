"""The rules of haz by their IDs, each in a few words: the rows of the kit's table."""

from __future__ import annotations

_TEXT = """
ID-001 names: letters, digits, _ and -
ID-002 names: the first character
ID-003 names: at most 64 bytes
ID-004 names: case counts
REF-001 names in references are names
REF-002 ~:task, the same project
REF-003 project:task
REF-004 ^:task, every project
REF-005 [tag]:task
REF-006 separators cannot be left out
REF-007 no white space, nothing more
REF-008 ^~:task and [tag]~:task, the others
PATH-001 absolute and relative paths
PATH-002 segments
PATH-003 no empty segments, no slash at the end
PATH-004 absolute: below the workspace
PATH-005 relative: below the owner's root
PATH-006 a path cannot leave its root
PATH-007 paths are compared as bytes
PATH-008 literal or glob
PATH-009 the dialect of globs
PATH-010 * stays in a segment
PATH-011 ** crosses segments
PATH-012 ? is one byte
PATH-013 classes
PATH-014 braces, not nested
PATH-015 the backslash
PATH-016 globs heed case
DISC-001 markers of the root
DISC-002 no workspace
DISC-003 implicit mode
DISC-004 explicit mode
DISC-005 entries of projects
DISC-006 a glob must match
DISC-007 a literal must be a folder
DISC-008 every project has a haz.yml
DISC-009 no root twice
DISC-010 no name twice
DISC-020 links are followed
DISC-021 cycles of links
DISC-022 nothing outside the workspace
DISC-030 loading writes nothing
CFG-001 UTF-8
CFG-002 well-formed YAML
CFG-003 one document
CFG-004 no unknown keys
CFG-005 scalars are texts, shapes are strict
CFG-006 task names
CFG-009 projects
CFG-010 entries of projects
CFG-011 entries do not name projects
CFG-012 unique project names
CFG-013 name
CFG-014 tags
CFG-015 tasks
CFG-016 inputs
CFG-017 outputs
CFG-018 deps and weakDeps
CFG-019 mutex
CFG-020 one action
CFG-021 command
CFG-022 shell and shell_type
CFG-023 names of overlay files
CFG-024 tagsFilter
CFG-025 tasks of overlays
CFG-026 which projects an overlay is for
CFG-027 cache.hash
CFG-028 concurrency.default
CFG-029 concurrency.tags
CFG-030 output.mode
CFG-031 execution.cancel_grace
CFG-032 env.from_host
CFG-033 env.override
CFG-034 cache.clean.max_age
CFG-035 cache.clean.max_size
DAG-001 overlays apply by tags
DAG-002 sources of a task
DAG-003 the most specific overlay wins
DAG-004 one source wins
DAG-005 a project's own body wins
DAG-006 no most specific overlay
DAG-007 references of deps resolve
DAG-009 weak dependencies order
DAG-010 not in deps and weakDeps
DAG-011 all errors are reported
DAG-012 no task depends on itself
DAG-013 who makes what others read
DAG-014 no cycles
DAG-015 a literal output has one maker
DAG-017 predecessors in the key
DAG-018 weak dependencies are not in the key
EXEC-001 the selection and what it needs
EXEC-002 predecessors first
EXEC-003 canonical order
EXEC-004 concurrency.default
EXEC-005 caps of tags
EXEC-006 caps before mutexes
EXEC-007 look, then run
EXEC-008 weak dependencies pull nothing in
EXEC-009 how a command ends
EXEC-010 a failure takes out its dependents
EXEC-011 skipped once, with the cause
EXEC-012 the first signal stops the run
EXEC-013 what is cancelled
EXEC-014 the grace, then SIGKILL
EXEC-015 what was cancelled is not stored
EXEC-016 live and buffered output
EXEC-017 summary lines
EXEC-018 a task that reads what it makes runs once
EXEC-019 cycles at run time
EXEC-020 two tasks wrote one file
EXEC-021 exit codes
EXEC-022 the bearing project
EXEC-023 the default task
EXEC-024 --all
EXEC-025 --workspace
EXEC-026 references on the command line
EXEC-027 --git-changed
EXEC-028 --git-staged
EXEC-029 --git-changed-since
EXEC-030 --dry-run
MUTEX-001 scopes
MUTEX-002 one per task; its mode
MUTEX-003 exclusive
MUTEX-004 shared
MUTEX-005 a waiter waits, and runs
MUTEX-006 held until the task has ended
MUTEX-007 a hit needs no mutex
MUTEX-008 not in the key
MUTEX-009 no edges
CACHE-001 what is not in the key
CACHE-002 equal keys hit
CACHE-003 the hash function
CACHE-005 the action in the key
CACHE-006 inputs in the key
CACHE-007 streams of predecessors in the key
CACHE-008 the environment in the key
CACHE-010 entries
CACHE-011 declared outputs
CACHE-014 damaged entries are misses
CACHE-017 only successes are stored
CACHE-018 an entry is whole or not there
CACHE-019 outputs are restored
CACHE-020 what a hit leaves and says
CACHE-021 cache clear
CACHE-023 a hit is right or a miss
QRY-001 queries
QRY-003 names, tags and files
QRY-004 relations
QRY-005 what a task declares
QRY-006 filters are combined
QRY-008 formats
QRY-009 no match is a success
AUX-002 init does not overwrite
AUX-009 what check counts
AUX-013 why: the task
AUX-014 why: predecessors without results
AUX-015 why: the report
AUX-019 cache info
AUX-022 cache clean needs a mode
AUX-024 cache clean --dry-run
AUX-025 cache clean: settings as defaults
"""

RULES: dict[str, str] = {
    rule: words for rule, _, words in (line.partition(" ") for line in _TEXT.strip().split("\n"))
}

"""A stopwatch around one command, as a small program: what ``benchmarks.measure`` starts.

    python -I -S launch.py FD SECONDS PROGRAM [ARGUMENT]...

It writes one line to the descriptor FD: status, wall, user and system seconds, and the peak in
KiB of the largest process of the tree.
Past SECONDS the command's group is terminated, then killed.

It is a process of its own because the kernel counts the memory of whoever starts a program as
that program's peak: between the benchmark, which may be large, and the command stands this.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

GRACE_MS = 3000


def main() -> None:
    report, limit, words = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(report, False)
    before = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ, setpgroup=0)
    ended = select.poll()
    ended.register(os.pidfd_open(pid), select.POLLIN)
    if not ended.poll(limit * 1000):
        os.killpg(pid, signal.SIGTERM)
        if not ended.poll(GRACE_MS):
            os.killpg(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - before
    code = os.waitstatus_to_exitcode(status)
    line = f"{code} {wall} {usage.ru_utime} {usage.ru_stime} {usage.ru_maxrss}"
    os.write(report, line.encode())


if __name__ == "__main__":
    main()

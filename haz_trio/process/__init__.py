"""ACTS: programs in sessions of their own, supervised until nothing of them is left.

environment   what tasks may copy from this process's environment
signals       what children inherit of this process's signal handling
lookup        which file a program's name stands for, and why it cannot be started
spawn         starting a program in a session of its own
child         one child process: its pidfd, its pipes, its end
pumps         carrying what a child writes to its consumer
proc          what /proc says about processes
family        the processes that a child brought forth
supervise     run_command: the child, its family and its pipes, to their end
"""

from haz_trio.process.environment import host_environment
from haz_trio.process.signals import shed_inherited_signals
from haz_trio.process.supervise import run_command

__all__ = ["host_environment", "run_command", "shed_inherited_signals"]

"""ACTS: programs in sessions of their own, supervised until nothing of them is left.

environment   what tasks may copy from this process's environment
signals       what children inherit of this process's signal handling
lookup        which file a program's name stands for, and why it cannot be started
spawn         starting a program in a session of its own
launch        the two ways of making the process: the C library's, and Popen
child         one child process: its pidfd, its pipes, its end
pumps         carrying what a child writes to its consumer
proc          what /proc says about processes
family        the processes that a child brought forth
guard         what a run does so that none of them escapes: adoption, control groups, a watchdog
cells         control groups
watchdog      a helper that notices when this process is killed
mourn         what the helper does then
supervise     run_command: the child, its family and its pipes, to their end

The names are imported from their modules: who only wants the environment pays nothing for trio.
"""

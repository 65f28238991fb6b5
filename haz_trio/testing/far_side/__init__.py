"""What the interpreter of a program on trial executes: a folder that holds nothing else."""

"""Python functions as tasks: found in their files, digested for keys, called and ended."""

"""READS: files into a workspace, and every problem of them into one report."""

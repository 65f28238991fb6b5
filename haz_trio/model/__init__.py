"""PURE: what a workspace consists of. No files, no clock, no trio."""

"""PURE: effective tasks, edges, static errors, closures, selection."""

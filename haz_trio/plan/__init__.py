"""PURE: facts in, decisions out; what may run next, and what follows from what happened."""

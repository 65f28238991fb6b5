"""ACTS: programs in sessions of their own, supervised until nothing of them is left."""

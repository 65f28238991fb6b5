"""JOINS: the plan and the world; one loop, one channel."""

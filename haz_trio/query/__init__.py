"""PURE: the query language: expressions over tasks, their parser, their evaluation."""

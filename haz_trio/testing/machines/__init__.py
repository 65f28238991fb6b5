"""Stateful tests of the parts that an engine is made of, for parts of your own."""

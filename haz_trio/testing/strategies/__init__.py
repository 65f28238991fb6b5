"""Hypothesis strategies for everything that a workspace is made of; small when shrunk."""

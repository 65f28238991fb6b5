"""Faults and what haz does about them: one test for each row of the catalogue of reliability."""

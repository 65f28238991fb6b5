"""``haz-conformance``: judges any program that is called like haz."""

"""What ``haz-conformance`` tries: each area draws examples, plays them, and compares."""

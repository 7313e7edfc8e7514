"""The checks: pure functions from the fabric and what was seen of it to a verdict."""

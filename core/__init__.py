"""The middle floor: what decides. One use case a file: read, ask stats, write, return a frozen result."""

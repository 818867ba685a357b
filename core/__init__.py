"""The middle floor: what decides. One use case a file: read from storage, ask stats, write, return a frozen result."""

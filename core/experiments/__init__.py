"""Experiments of a team: what was expected before any result, what came of it, what that says of the next one."""

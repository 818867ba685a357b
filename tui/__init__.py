"""The top floor: front ends. Panes and commands call the same use cases of core."""

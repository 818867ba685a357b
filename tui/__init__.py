"""The top floor: front ends. Panes and commands call the same use cases of core."""

VERSION = "0.1.0"

"""Panes, sheets and dialogs."""

"""Rollouts: a candidate's way through the stages of its model file, and the gates between them."""

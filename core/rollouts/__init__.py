"""Rollouts: rule, looks, policy, decisions, promotion."""

"""Looks into an object before it is sent: which part goes how, and which cannot go."""

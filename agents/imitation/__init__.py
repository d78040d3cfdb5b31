"""Imitation learning: demonstrations, and policies that learn from them."""

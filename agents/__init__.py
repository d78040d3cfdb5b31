"""Policies, demonstrations, and the ways to learn and to evaluate them."""

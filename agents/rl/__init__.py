"""Reinforcement learning on Stable-Baselines3."""

"""Camshaft: reinforcement- and imitation-learning tasks seen through cameras; importing it registers them."""

from camshaft import envs as envs

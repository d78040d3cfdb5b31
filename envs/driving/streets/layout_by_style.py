"""Dispatch from the style of a map to its layout function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.driving.streets.circuit_layout import lay_out_circuit
from camshaft.envs.driving.streets.layout import Layout
from camshaft.envs.driving.streets.motorway_layout import lay_out_motorway
from camshaft.envs.driving.streets.town_layout import lay_out_town
from camshaft.envs.errors import check_choice

LAYOUTS: Mapping[str, Callable[[Network, int], Layout]] = {
    "town": lay_out_town,
    "motorway": lay_out_motorway,
    "circuit": lay_out_circuit,
}


def lay_out(style: str, network: Network, seed: int) -> Layout:
    """Lay out the objects on a map of a style, from a seed."""
    check_choice("style", style, tuple(LAYOUTS))
    return LAYOUTS[style](network, seed)

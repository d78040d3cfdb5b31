"""Cross sections of roads: lanes, widths, medians and sidewalks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from camshaft.envs.driving.road_network.builder import EDGE_MARGIN, LANE_WIDTH
from camshaft.envs.driving.road_network.elements import DASHED, SOLID
from camshaft.envs.errors import InvalidOption, check_choice


@dataclass(frozen=True)
class CrossSection:
    """Cross section of a road.

    Attributes:
        forward: number of lanes in the road's direction.
        backward: number of lanes in the opposite direction.
        speed_limit: m/s.
        style: "town", "rural" or "motorway".
        lane_width: meters.
        median: meters between the directions.
        sidewalks: meters, width of the left and right sidewalk; 0 for none.
        center_line: marking between the directions, "dashed" or "solid".
    """

    forward: int = 1
    backward: int = 1
    speed_limit: float = 50.0 / 3.6
    style: str = "town"
    lane_width: float = LANE_WIDTH
    median: float = 0.0
    sidewalks: tuple[float, float] = (0.0, 0.0)
    center_line: str = DASHED

    def __post_init__(self) -> None:
        check_choice("style of road", self.style, EDGE_MARGIN)
        check_choice("center line", self.center_line, (DASHED, SOLID))
        if min(self.forward, self.backward) < 0 or not 1 <= self.forward + self.backward <= 12:
            raise InvalidOption(
                f"a road has 1 to 12 lanes, got {self.forward} forward and {self.backward} backward"
            )
        if not 2.0 <= self.lane_width <= 15.0 or self.median < 0.0 or min(self.sidewalks) < 0.0:
            raise InvalidOption(
                "lanes must be 2 to 15 m wide, medians and sidewalks at least 0, got "
                f"{self.lane_width}, {self.median} and {self.sidewalks}"
            )
        if self.speed_limit <= 0.0:
            raise InvalidOption(f"a speed limit must be more than 0 m/s, got {self.speed_limit}")

    def reversed(self) -> CrossSection:
        """The same road seen in the opposite direction."""
        return replace(
            self,
            forward=self.backward,
            backward=self.forward,
            sidewalks=(self.sidewalks[1], self.sidewalks[0]),
        )

    def widened(self, more: int) -> CrossSection:
        """The same road with forward lanes added or removed."""
        if self.forward + more < 1:
            raise InvalidOption(
                f"{-more} of {self.forward} forward lanes cannot end: at least one must continue"
            )
        return replace(self, forward=self.forward + more)

    @property
    def half_width(self) -> float:
        """Meters from the reference line to the farther edge of the paving."""
        lanes = max(self.forward, self.backward)
        return 0.5 * self.median + lanes * self.lane_width + EDGE_MARGIN[self.style]

"""Catalog of roadside fixtures by name and variant: model, footprint, and collision box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from camshaft.envs.driving import assets
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.driving.textures.signs import NUM_STYLES, SIGNS
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Mesh

Size = tuple[float, float]  # meters along x and y of the model
NOTHING: Size = (0.0, 0.0)
BUILDINGS = ("terraced_house", "apartment_block", "office", "shop", "warehouse", "church", "garage")
PLACE_NAMES = ("MILLTOWN", "EASTON", "HARBOUR", "NORTHGATE", "LAKESIDE", "OAKFIELD", "WESTBROOK", "STONEHAM")
STREET_NAMES = (
    "STATION RD",
    "HIGH ST",
    "MILL LANE",
    "CHURCH ST",
    "PARK AVE",
    "QUEEN ST",
    "RIVER RD",
    "ELM WAY",
)
BRAKE_METERS = (50, 100, 150, 200)


@dataclass(frozen=True)
class _Maker:
    """Factory of a kind of fixture.

    Attributes:
        variants: number of variants; even ones are for training, odd ones for testing.
        levels: levels of detail of a variant, lit or not.
        footprint: footprint of a variant.
        solid: size of the collision box; None for the whole footprint.
    """

    variants: int
    levels: Callable[[int, bool], list[Mesh]]
    footprint: Callable[[int], Size]
    solid: Size | None = NOTHING


@dataclass(frozen=True)
class Fixture:
    """A variant of a kind of roadside object.

    Attributes:
        name: kind of fixture.
        variant: variant of the kind.
    """

    name: str
    variant: int

    def levels(self, lit: bool) -> list[Mesh]:
        """Levels of detail, finest first; windows and lamps may be lit."""
        return _MAKERS[self.name].levels(self.variant, lit)

    @property
    def footprint(self) -> Size:
        """Footprint: meters along x and y."""
        return _MAKERS[self.name].footprint(self.variant)

    @property
    def solid(self) -> Size:
        """Size of the collision box: meters along x and y; 0 if it does not stop a car."""
        solid = _MAKERS[self.name].solid
        return self.footprint if solid is None else solid


def variants_of(name: str) -> range:
    """The variants of a kind of fixture."""
    check_choice("fixture", name, tuple(_MAKERS))
    return range(_MAKERS[name].variants)


# Kinds of fixtures by style of road.
STYLES: Mapping[str, tuple[str, ...]] = {
    "town": (
        *BUILDINGS,
        *(
            "house",
            "conifer",
            "broadleaf",
            "bush",
            "hedge",
            "wooden_fence",
            "street_lamp",
            "bench",
            "waste_bin",
        ),
        *("bus_shelter", "advertising_column", "planter", "bollard", "street_name"),
        *(f"sign_{kind}" for kind in ("stop", "yield", "priority_road", "roundabout", "pedestrian_crossing")),
        *("sign_speed_limit_30", "sign_speed_limit_50"),
        *("sedan", "hatchback", "suv", "van"),
    ),
    "motorway": (
        *("conifer", "broadleaf", "bush", "house", "exit_board", "sign_motorway"),
        *("sign_speed_limit_120", "sign_end_of_limits", "delineator", "utility_pole"),
    ),
    "circuit": (
        *("conifer", "broadleaf", "bush", "tire_wall", "start_gantry", "advert_board", "brake_board"),
        *("grandstand", "wire_fence"),
    ),
    "car_park": (
        *("conifer", "broadleaf", "bush", "hedge", "street_lamp", "ticket_machine", "wheel_stop", "planter"),
        *("shop", "office", "warehouse", "sedan", "hatchback", "suv", "van", "waste_bin"),
    ),
}


@cache
def catalog(style: str) -> tuple[Fixture, ...]:
    """All fixtures of a style of road; layouts refer to them by index."""
    check_choice("style", style, tuple(STYLES))
    return tuple(Fixture(name, variant) for name in STYLES[style] for variant in variants_of(name))


def _building(kind: str) -> _Maker:
    numbers = assets.buildings(kind)

    def footprint(variant: int) -> Size:
        model = assets.building(numbers[variant])
        return model.depth, model.width

    return _Maker(
        len(numbers), lambda variant, lit: assets.building(numbers[variant], lit).levels, footprint, None
    )


def _box(
    levels: Callable[[int], list[Mesh]],
    footprint: Size,
    solid: Size | None = NOTHING,
    variants: int = NUM_VARIANTS,
) -> _Maker:
    """A fixture of fixed size with numbered variants, never lit."""
    return _Maker(variants, lambda variant, lit: levels(variant), lambda variant: footprint, solid)


def _single(levels: Callable[[], list[Mesh]], footprint: Size, solid: Size | None = NOTHING) -> _Maker:
    """A fixture without variants; numbered twice, so that both splits have it."""
    return _box(lambda variant: levels(), footprint, solid, 2)


@cache
def _house_footprint(variant: int) -> Size:
    positions = assets.house(variant)[-1].positions
    low, high = positions.min(axis=0), positions.max(axis=0)
    return float(high[0] - low[0]), float(high[1] - low[1])


def _sign(kind: str) -> _Maker:
    return _box(lambda variant: assets.sign(kind, variant), (0.3, 0.9), variants=NUM_STYLES)


def _car(name: str) -> _Maker:
    model = assets.VEHICLES[name]
    return _box(lambda variant: model().levels, (model().length, model().width), None, 2)


def _texts(make: Callable[[str, int], list[Mesh]], texts: Sequence[str], footprint: Size) -> _Maker:
    return _box(lambda variant: make(texts[variant], variant), footprint, variants=len(texts))


_PIECE = 4.0  # meters, length of a barrier segment
_TRUNK: Size = (0.5, 0.5)
_MAKERS: Mapping[str, _Maker] = {
    **{kind: _building(kind) for kind in BUILDINGS},
    "house": _Maker(NUM_VARIANTS, assets.house, _house_footprint, None),
    "conifer": _box(assets.conifer, (3.5, 3.5), _TRUNK),
    "broadleaf": _box(assets.broadleaf, (4.0, 4.0), _TRUNK),
    "bush": _box(assets.bush, (1.6, 1.6)),
    "hedge": _box(assets.hedge, (_PIECE, 0.9), None),
    "wooden_fence": _box(assets.wooden_fence, (_PIECE, 0.2), None),
    "wire_fence": _single(assets.wire_fence, (_PIECE, 0.2), None),
    "guard_rail": _single(assets.guard_rail, (_PIECE, 0.3), None),
    "tire_wall": _box(assets.tire_wall, (_PIECE, 0.7), None),
    "street_lamp": _Maker(
        2, lambda variant, lit: assets.street_lamp(lit), lambda variant: (0.5, 0.5), (0.25, 0.25)
    ),
    "bench": _single(assets.bench, (0.8, 1.9), None),
    "waste_bin": _single(assets.waste_bin, (0.5, 0.5)),
    "bus_shelter": _box(assets.bus_shelter, (1.5, 4.2), None),
    "advertising_column": _box(assets.advertising_column, (1.6, 1.6), None),
    "planter": _box(assets.planter, (1.2, 1.2), None),
    "bollard": _single(assets.bollard, (0.2, 0.2)),
    "wheel_stop": _single(assets.wheel_stop, (0.2, 1.9)),
    "ticket_machine": _single(assets.ticket_machine, (0.5, 0.6), None),
    "traffic_cone": _single(assets.traffic_cone, (0.4, 0.4)),
    "street_name": _texts(assets.street_name, STREET_NAMES, (0.3, 1.1)),
    "exit_board": _texts(
        lambda text, variant: assets.exit_board(text, 3 + variant, variant), PLACE_NAMES, (0.4, 4.2)
    ),
    "delineator": _single(assets.delineator, (0.2, 0.2)),
    "utility_pole": _single(assets.utility_pole, (0.5, 0.5), (0.3, 0.3)),
    "start_gantry": _box(lambda variant: assets.start_gantry(15.0, variant), (1.0, 17.0)),
    "advert_board": _box(assets.advert_board, (0.4, 4.1), None),
    "brake_board": _box(
        lambda variant: assets.brake_board(BRAKE_METERS[variant // 2]),
        (0.3, 1.0),
        variants=2 * len(BRAKE_METERS),
    ),
    "grandstand": _box(assets.grandstand, (9.0, 25.0), None),
    **{f"sign_{kind}": _sign(kind) for kind in SIGNS},
    **{name: _car(name) for name in ("sedan", "hatchback", "suv", "van")},
}

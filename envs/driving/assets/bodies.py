"""Bodies of people: proportions and clothes."""

from __future__ import annotations

from dataclasses import dataclass

from camshaft.envs.errors import check_choice

Color = tuple[float, float, float]

HAIR_STYLES = ("short", "long", "bald", "cap", "bun")
CLOTHES = ("trousers", "skirt", "coat", "shorts")


@dataclass(frozen=True)
class Body:
    """One person. Lengths are in meters; proportions are those of an adult unless stated otherwise.

    Attributes:
        height: from the ground to the top of the head.
        skin, hair, trousers, shoes: colors; the shirt or coat takes the color of the slot.
        hair_style: one of HAIR_STYLES.
        clothes: one of CLOTHES.
        girth: scale of the width and depth of trunk and limbs.
        shoulders, hips: additional scales of their widths.
        bag: whether the person carries a backpack.
        child: whether the body has a child's proportions: large head, short legs.
    """

    height: float
    skin: Color
    hair: Color
    trousers: Color
    shoes: Color
    hair_style: str = "short"
    clothes: str = "trousers"
    girth: float = 1.0
    shoulders: float = 1.0
    hips: float = 1.0
    bag: bool = False
    child: bool = False

    def __post_init__(self) -> None:
        check_choice("hair_style", self.hair_style, HAIR_STYLES)
        check_choice("clothes", self.clothes, CLOTHES)

    @property
    def hip(self) -> float:
        """Height of the hip joints when standing upright."""
        return (0.49 if self.child else 0.525) * self.height

    @property
    def ankle(self) -> float:
        """Height of the ankle when the foot is flat on the ground."""
        return 0.045 * self.height

    @property
    def thigh(self) -> float:
        """Length from hip to knee."""
        return 0.51 * (self.hip - self.ankle)

    @property
    def shin(self) -> float:
        """Length from knee to ankle."""
        return 0.49 * (self.hip - self.ankle)

    @property
    def hip_half(self) -> float:
        """Distance from the midline to a hip joint."""
        return 0.050 * self.height * self.hips

    @property
    def trunk(self) -> float:
        """Height of the shoulder joints above the hip joints."""
        return (0.275 if self.child else 0.285) * self.height

    @property
    def shoulder_half(self) -> float:
        """Distance from the midline to a shoulder joint."""
        return 0.108 * self.height * self.shoulders * self.girth**0.5

    @property
    def upper_arm(self) -> float:
        """Length from shoulder to elbow."""
        return 0.172 * self.height

    @property
    def forearm(self) -> float:
        """Length from elbow to wrist."""
        return 0.150 * self.height

    @property
    def heel(self) -> float:
        """Distance from the ankle back to the heel."""
        return 0.035 * self.height

    @property
    def ball(self) -> float:
        """Distance from the ankle forward to the ball of the foot, over which it rolls."""
        return 0.080 * self.height

    @property
    def stride(self) -> float:
        """Stride length at a comfortable walk: distance between footfalls of the same foot."""
        return (0.70 if self.child else 0.78) * self.height

    @property
    def head(self) -> float:
        """Size of the head relative to that of an adult of 1.75 m."""
        return self.height * (0.72 if self.child else 0.571)


FAIR, PALE, OLIVE, BROWN, DARK = (
    (0.85, 0.65, 0.53),
    (0.92, 0.75, 0.65),
    (0.74, 0.53, 0.40),
    (0.56, 0.38, 0.27),
    (0.38, 0.25, 0.18),
)
BLACK_HAIR, BROWN_HAIR, BLOND_HAIR, GRAY_HAIR, RED_HAIR = (
    (0.08, 0.07, 0.07),
    (0.27, 0.18, 0.12),
    (0.72, 0.57, 0.33),
    (0.62, 0.61, 0.60),
    (0.52, 0.25, 0.13),
)
JEANS, CHINOS, SUIT, BLACK_CLOTH, OLIVE_CLOTH = (
    (0.20, 0.27, 0.42),
    (0.60, 0.51, 0.38),
    (0.22, 0.23, 0.26),
    (0.10, 0.10, 0.11),
    (0.33, 0.34, 0.24),
)
WHITE_SHOES, BROWN_SHOES, BLACK_SHOES = (0.85, 0.85, 0.84), (0.33, 0.21, 0.13), (0.09, 0.09, 0.09)

# Men, women, old people, children; even ones are for training, odd ones for testing.
BODIES = (
    Body(1.80, FAIR, BROWN_HAIR, JEANS, WHITE_SHOES),
    Body(1.77, BROWN, BLACK_HAIR, CHINOS, BROWN_SHOES, bag=True),
    Body(1.67, PALE, BLOND_HAIR, BLACK_CLOTH, BLACK_SHOES, "long", girth=0.9, shoulders=0.9, hips=1.1),
    Body(1.64, OLIVE, BLACK_HAIR, JEANS, WHITE_SHOES, "bun", girth=0.92, shoulders=0.9, hips=1.1),
    Body(1.74, DARK, BLACK_HAIR, SUIT, BLACK_SHOES, "bald", "coat", girth=1.2),
    Body(1.83, PALE, GRAY_HAIR, CHINOS, BROWN_SHOES, "cap", girth=1.15),
    Body(1.60, OLIVE, BROWN_HAIR, (0.45, 0.16, 0.22), BROWN_SHOES, "bun", "skirt", 0.95, 0.9, 1.12, bag=True),
    Body(1.70, FAIR, RED_HAIR, (0.18, 0.22, 0.34), BLACK_SHOES, "long", "skirt", 0.9, 0.9, 1.1),
    Body(1.25, FAIR, BLOND_HAIR, JEANS, WHITE_SHOES, clothes="shorts", child=True, bag=True),
    Body(1.18, BROWN, BLACK_HAIR, OLIVE_CLOTH, WHITE_SHOES, "bun", child=True),
    Body(1.42, OLIVE, BLACK_HAIR, OLIVE_CLOTH, BLACK_SHOES, "cap", girth=0.95, child=True),
    Body(1.36, PALE, BROWN_HAIR, JEANS, WHITE_SHOES, "long", "coat", 0.95, child=True),
)
NUM_BODIES = len(BODIES)

# Colors for the slots of people: their shirts and coats; even ones are for training, odd ones for testing.
SHIRTS = (
    (0.70, 0.16, 0.16),
    (0.56, 0.18, 0.30),
    (0.16, 0.30, 0.58),
    (0.22, 0.44, 0.60),
    (0.86, 0.86, 0.84),
    (0.74, 0.72, 0.66),
    (0.20, 0.21, 0.24),
    (0.33, 0.31, 0.30),
    (0.20, 0.42, 0.26),
    (0.40, 0.44, 0.20),
    (0.86, 0.66, 0.16),
    (0.80, 0.44, 0.16),
)

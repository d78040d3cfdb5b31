"""Faults in generated towns: overlapping lanes, unreachable lanes and errors."""

from __future__ import annotations

import collections
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from camshaft.envs.driving.road_network.elements import Lane, Network, lane_polygon
from camshaft.envs.driving.road_network.town import generate_town
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.benchmarks.measure import write_result
from camshaft.experiments.terminal.console import Console

GRID = 1e-4  # meters to which outlines are rounded, so that shared edges of lanes coincide exactly
TOLERANCE = 0.1  # m² of overlap between adjacent lanes in a bend, whose curves are sampled


@dataclass(frozen=True)
class TownsConfig:
    """Generate one town per seed, and check that unconnected lanes do not overlap and every lane is reachable.

    Lanes are intersected as polygons (shapely) and reached through successors and lane changes (SciPy's strongly
    connected components), independently of the generator's own checks.

    For example: camshaft bench towns
    """

    towns: int = 1000
    """Number of towns, with seeds from 0."""
    out: Path = Path("runs/bench/towns.json")
    """Results file, with machine, versions and commit."""


def run(config: TownsConfig) -> None:
    """Generate, check, print and write the file.

    Raises:
        CamshaftError: a town has a fault.
    """
    if config.towns < 1:
        raise InvalidOption(f"towns must be at least 1, got {config.towns}")
    faults: list[str] = []
    seconds, lanes = [], []
    kinds: collections.Counter[str] = collections.Counter()
    for seed in range(config.towns):
        begin = time.process_time()
        try:
            network = generate_town(seed)
        except Exception as error:  # of any kind: it is counted as a fault
            faults.append(f"town {seed}: {type(error).__name__}: {error}")
            continue
        seconds.append(time.process_time() - begin)
        lanes.append(len(network.lanes))
        kinds.update(junction.kind for junction in network.junctions)
        faults += [f"town {seed}: {fault}" for fault in find_faults(network)]
    if not lanes:
        raise CamshaftError(f"no town could be generated; first error: {faults[0]}")
    figures: list[dict[str, Any]] = [
        {"name": "towns", "value": config.towns},
        {"name": "faults", "value": len(faults), "faults": faults},
        {"name": "lanes", "value": sum(lanes), "lowest": min(lanes), "highest": max(lanes)},
        {"name": "junctions", "value": sum(kinds.values()), "kinds": dict(kinds)},
        {
            "name": "CPU seconds to generate a town",
            "median": statistics.median(seconds),
            "lowest": min(seconds),
            "highest": max(seconds),
        },
    ]
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(
        f"{config.towns} towns with {sum(lanes):,} lanes and {sum(kinds.values()):,} junctions: {len(faults)} faults; "
        f"{1e3 * statistics.median(seconds):.0f} ms of CPU time per town. Figures in {config.out}",
    )
    if faults:
        raise CamshaftError(f"{len(faults)} faults; the first: {faults[0]}")


def find_faults(network: Network) -> Iterator[str]:
    """Descriptions of the faults of a road network."""
    for one, other, area in find_overlaps(network):
        yield f"lanes {one} and {other} overlap by {area:.2f} m² and are not connected"
    out_of_reach = find_unreachable(network)
    if out_of_reach:
        yield f"lanes {out_of_reach} cannot be reached from everywhere"


def find_overlaps(network: Network) -> Iterator[tuple[int, int, float]]:
    """Pairs of lanes that overlap without being connected or sharing a junction, and the area in m²."""
    shapely = _shapely()
    outlines = [shapely.Polygon(lane_polygon(lane)) for lane in network.lanes]
    ones, others = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        if one >= other or _share_junction(network.lanes[one], network.lanes[other]):
            continue
        area = shapely.intersection(outlines[one], outlines[other], grid_size=GRID).area
        if area > TOLERANCE:
            yield one, other, float(area)


def find_unreachable(network: Network) -> list[int]:
    """Lanes outside the largest strongly connected component."""
    edges = [
        (lane.index, there)
        for lane in network.lanes
        for there in (*lane.successors, lane.left, lane.right)
        if there >= 0
    ]
    rows, columns = np.array(edges).T
    count = len(network.lanes)
    graph = csr_array((np.ones(len(edges)), (rows, columns)), shape=(count, count))
    _, part = connected_components(graph, connection="strong")
    return [int(lane) for lane in np.flatnonzero(part != np.bincount(part).argmax())]


def _share_junction(one: Lane, other: Lane) -> bool:
    return one.junction >= 0 and one.junction == other.junction


def _shapely() -> Any:
    try:
        import shapely
    except ImportError as error:
        raise CamshaftError("this benchmark needs shapely: pip install 'camshaft[bench]'") from error
    return shapely

"""Generates many towns and looks for what must not be: overlaps, lanes out of reach, errors."""

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

GRID = 1e-4  # meters to which outlines are rounded: edges that lanes share are then exactly the same
TOUCH = 0.1  # m² by which lanes side by side in a bend may overlap, since their curves are sampled


@dataclass(frozen=True)
class TownsConfig:
    """Generate towns, one a seed, and check each: no overlap of lanes that are not connected, every lane reachable.

    Lanes are intersected as polygons (shapely), and reached over successors and changes of lane (SciPy's strongly
    connected components): neither is what the generator itself checks its towns with.

    For example: camshaft bench towns
    """

    towns: int = 1000
    """Seeds, from 0 on."""
    out: Path = Path("runs/bench/towns.json")
    """File for the figures, with machine, versions and commit."""


def run(config: TownsConfig) -> None:
    """Generate, check, print and write the file.

    Raises:
        CamshaftError: a town is wrong.
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
        except Exception as error:  # of any kind: it is counted, and told in the end
            faults.append(f"town {seed}: {type(error).__name__}: {error}")
            continue
        seconds.append(time.process_time() - begin)
        lanes.append(len(network.lanes))
        kinds.update(junction.kind for junction in network.junctions)
        faults += [f"town {seed}: {fault}" for fault in find_faults(network)]
    if not lanes:
        raise CamshaftError(f"no town could be generated, the first: {faults[0]}")
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
        f"{1e3 * statistics.median(seconds):.0f} ms of CPU time a town. Figures in {config.out}",
    )
    if faults:
        raise CamshaftError(f"{len(faults)} faults, the first: {faults[0]}")


def find_faults(network: Network) -> Iterator[str]:
    """What is wrong with a network, in words."""
    for one, other, area in find_overlaps(network):
        yield f"lanes {one} and {other} overlap by {area:.2f} m² and are not connected"
    out_of_reach = find_unreachable(network)
    if out_of_reach:
        yield f"lanes {out_of_reach} cannot be reached from everywhere"


def find_overlaps(network: Network) -> Iterator[tuple[int, int, float]]:
    """Pairs of lanes that overlap though neither follows the other and no junction holds both; and by how many m²."""
    shapely = _shapely()
    outlines = [shapely.Polygon(lane_polygon(lane)) for lane in network.lanes]
    ones, others = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        if one >= other or _share_junction(network.lanes[one], network.lanes[other]):
            continue
        area = shapely.intersection(outlines[one], outlines[other], grid_size=GRID).area
        if area > TOUCH:
            yield one, other, float(area)


def find_unreachable(network: Network) -> list[int]:
    """Lanes outside the largest set of which each can be reached from each."""
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

"""OpenDRIVE files written for the tests: single roads, a town exported from a network, and what goes wrong."""

import math
import warnings
from xml.sax.saxutils import quoteattr

import numpy as np

from camshaft.envs.driving.road_network.blocks import RoadBlocks
from camshaft.envs.driving.road_network.elements import DASHED, LIGHT, SOLID, STOP
from camshaft.envs.driving.road_network.opendrive import read_opendrive

HEADER = '<header revMajor="1" revMinor="6" name="sample" version="1" date="2026-11-26"/>'


def document(*elements, header=HEADER):
    return "\n".join(['<?xml version="1.0"?>', "<OpenDRIVE>", header, *elements, "</OpenDRIVE>"])


def tag(element, /, *children, **attributes):
    """An element; a trailing underscore of a name is dropped."""
    words = " ".join(f"{key.rstrip('_')}={quoteattr(str(value))}" for key, value in attributes.items())
    if not children:
        return f"<{element} {words}/>"
    return f"<{element} {words}>{''.join(children)}</{element}>"


def lane(number, width=3.5, kind="driving", mark="none", before=None, after=None, more="", widths=None):
    """A lane; `widths` are (sOffset, a, b, c, d)."""
    link = "".join(
        tag(side, id=value)
        for side, value in (("predecessor", before), ("successor", after))
        if value is not None
    )
    widths = [(0, width, 0, 0, 0)] if widths is None else widths
    parts = [f"<link>{link}</link>" if link else ""]
    if number:
        parts += [tag("width", sOffset=s, a=a, b=b, c=c, d=d) for s, a, b, c, d in widths]
    parts += [tag("roadMark", sOffset=0, type=mark, weight="standard", color="white", width=0.15), more]
    return tag("lane", *parts, id=number, type=kind, level="false")


def section(*lanes, s=0.0):
    sides = {"left": [], "center": [], "right": []}
    for text in lanes:
        number = _number_of(text)
        sides["left" if number > 0 else "right" if number else "center"].append(text)
    if not sides["center"]:
        sides["center"].append(lane(0, mark="broken"))
    return tag(
        "laneSection", *(f"<{side}>{''.join(own)}</{side}>" for side, own in sides.items() if own), s=s
    )


def _number_of(text):
    """The id of a lane: the last id among its own attributes, which come first in its element."""
    head = text[: text.index(">")]
    return int(head.split('id="')[1].split('"')[0])


def geometry(shape, s, x, y, heading, length):
    return tag("geometry", shape, s=s, x=x, y=y, hdg=heading, length=length)


def road(name, geometries, sections, length, junction=-1, links="", more="", kind="town", offsets=""):
    return tag(
        "road",
        f"<link>{links}</link>" if links else "",
        tag("type", tag("speed", max=36, unit="km/h"), s=0, type=kind),
        f"<planView>{''.join(geometries)}</planView>",
        f"<lanes>{offsets}{''.join(sections)}</lanes>",
        more,
        name=f"road {name}",
        length=length,
        id=name,
        junction=junction,
    )


def simple_road(shape="<line/>", length=100.0, x=0.0, y=0.0, heading=0.0, sections=None, name=1, **more):
    """A road of one piece; one lane each way unless told."""
    sections = [section(lane(1), lane(-1))] if sections is None else sections
    return road(name, [geometry(shape, 0.0, x, y, heading, length)], sections, length, **more)


# A network written as a file.


def hermite(curve, pieces):
    """Geometries that follow a curve: parametric cubics through its points and directions."""
    edges = np.linspace(0.0, curve.length, pieces + 1)
    points, headings = curve.at(edges)
    found, s = [], 0.0
    for number in range(pieces):
        heading, turn = headings[number], headings[number + 1] - headings[number]
        delta = points[number + 1] - points[number]
        end = np.array(
            [
                math.cos(heading) * delta[0] + math.sin(heading) * delta[1],
                -math.sin(heading) * delta[0] + math.cos(heading) * delta[1],
            ]
        )
        length = edges[number + 1] - edges[number]
        out = length * np.array([math.cos(turn), math.sin(turn)])
        into = np.array([length, 0.0])
        c, d = 3.0 * end - 2.0 * into - out, -2.0 * end + into + out
        shape = tag(
            "paramPoly3",
            aU=0, bU=into[0], cU=c[0], dU=d[0], aV=0, bV=into[1], cV=c[1], dV=d[1], pRange="normalized",
        )  # fmt: skip
        found.append(geometry(shape, s, *points[number], heading, length))
        s += length
    return found


def export(network):
    """A network as an OpenDRIVE file: roads with their lanes, junctions with a road for each way through."""
    ways = {}
    for other in network.lanes:
        if other.junction >= 0:
            ways[other.index] = 1000 + other.index
    text = [_exported_road(network, own) for own in network.roads]
    text += [_exported_way(network, network.lanes[index], name) for index, name in ways.items()]
    for junction in network.junctions:
        connections = [
            _exported_connection(network, network.lanes[index], name)
            for index, name in ways.items()
            if network.lanes[index].junction == junction.index
        ]
        text.append(tag("junction", *connections, id=junction.index, name=f"junction {junction.index}"))
    return document(*text)


def _lane_number(network, index):
    own = network.roads[network.lanes[index].road]
    return -1 - own.forward.index(index) if index in own.forward else 1 + own.backward.index(index)


def _exported_road(network, own):
    width = network.lanes[own.forward[0]].width
    links = ""
    for side, at_end in (("predecessor", False), ("successor", True)):
        for junction in network.junctions:
            if any(arm.road == own.index and arm.at_end == at_end for arm in junction.arms):
                links += tag(side, elementType="junction", elementId=junction.index)
        into = [network.lanes[lane] for lane in (own.forward if at_end else own.backward)]
        after = {network.lanes[lane].road for one in into for lane in one.successors} - {-1}
        for other in after:
            start = network.roads[other]
            contact = "start" if into[0].successors[0] in start.forward else "end"
            links += tag(side, elementType="road", elementId=other, contactPoint=contact)
    lanes = []
    for index in (*own.forward, *own.backward):
        after = [one for one in network.lanes[index].successors if network.lanes[one].road >= 0]
        number = _lane_number(network, index)
        following = _lane_number(network, after[0]) if after else None
        inner = number in (-len(own.forward), len(own.backward))
        lanes.append(
            lane(number, width, mark="none" if inner else "broken",
                 **{"after" if number < 0 else "before": following})
        )  # fmt: skip
    for side, sign, count in ((0, 1, len(own.backward)), (1, -1, len(own.forward))):
        margin = abs(own.edges[side, 0]) - count * width - 0.1
        if own.sidewalks[side]:
            lanes.append(lane(sign * (count + 1), margin, "shoulder"))
            lanes.append(lane(sign * (count + 2), own.sidewalks[side], "sidewalk"))
    center = dict(own.lines).get(0.0)
    middle = lane(0, mark={DASHED: "broken", SOLID: "solid"}.get(center, "none"))
    signals = ""
    for at_end, into in ((True, own.forward), (False, own.backward)):
        control = {network.lanes[after].control for one in into for after in network.lanes[one].successors
                   if network.lanes[after].junction >= 0}  # fmt: skip
        junction = [
            j for j in network.junctions if any(a.road == own.index and a.at_end == at_end for a in j.arms)
        ]
        kind = ""
        if LIGHT in control:
            kind = "1000001"
        elif STOP in control:
            kind = "206"
        elif junction and junction[0].kind in ("priority", "stop") and 0 not in control:
            kind = "205"
        if kind:
            signals += tag(
                "signal", s=own.curve.length - 2 if at_end else 2, t=-4, id=f"{own.index}{'e' if at_end else 's'}",
                dynamic="yes" if kind == "1000001" else "no", orientation="+" if at_end else "-", type=kind,
                subtype="-1", value="-1", name="",
            )  # fmt: skip
    speed = tag("speed", s=0, max=network.lanes[own.forward[0]].speed_limit, unit="m/s")
    return tag(
        "road",
        f"<link>{links}</link>" if links else "",
        tag("type", speed, s=0, type="town"),
        f"<planView>{''.join(hermite(own.curve, max(1, round(own.curve.length / 4.0))))}</planView>",
        f"<lanes>{section(*lanes, middle)}</lanes>",
        f"<signals>{signals}</signals>" if signals else "",
        name="", length=own.curve.length, id=own.index, junction=-1,
    )  # fmt: skip


def _exported_way(network, way, name):
    """A road within a junction, of one lane right of its reference line."""
    before, after = way.predecessors[0], way.successors[0]
    links, numbers = "", []
    for side, other, at_end in (("predecessor", before, True), ("successor", after, False)):
        there = network.lanes[other]
        if there.road < 0:
            links += tag(
                side, elementType="road", elementId=1000 + other, contactPoint="end" if at_end else "start"
            )
            numbers.append(-1)
        else:
            number = _lane_number(network, other)
            contact = "end" if (number < 0) == at_end else "start"
            links += tag(side, elementType="road", elementId=there.road, contactPoint=contact)
            numbers.append(number)
    curve = way.curve.parallel(0.5 * way.width)
    speed = tag("speed", s=0, max=way.speed_limit, unit="m/s")
    return tag(
        "road",
        f"<link>{links}</link>",
        tag("type", speed, s=0, type="town"),
        f"<planView>{''.join(hermite(curve, max(2, round(curve.length / 2.0))))}</planView>",
        f"<lanes>{section(lane(-1, way.width, before=numbers[0], after=numbers[1]), lane(0))}</lanes>",
        name="", length=curve.length, id=name, junction=way.junction,
    )  # fmt: skip


def _exported_connection(network, way, name):
    before = network.lanes[way.predecessors[0]]
    number = _lane_number(network, before.index) if before.road >= 0 else -1
    return tag(
        "connection", tag("laneLink", from_=number, to=-1),
        id=name, incomingRoad=before.road, connectingRoad=name, contactPoint="start",
    )  # fmt: skip


def two_junctions():
    """A network of two T-junctions with a street between them."""
    blocks = RoadBlocks("pair")
    end = blocks.straight(blocks.begin(), 60.0)
    left, right = blocks.t_junction(end, kind="right_before_left")
    between = blocks.straight(left, 50.0)
    blocks.t_junction(between, kind="right_before_left")
    blocks.straight(right, 40.0)
    return blocks.build()


def two_roads(before=-1, after=-1, contact="start", **more):
    """Two roads, one after the other."""
    first = simple_road(
        sections=[section(lane(1, before=None), lane(-1, after=after))],
        links=tag("successor", elementType="road", elementId=2, contactPoint=contact),
    )
    second = simple_road(
        name=2,
        x=100.0,
        sections=[section(lane(1, before=1), lane(-1, before=before))],
        links=tag("predecessor", elementType="road", elementId=1, contactPoint="end"),
        **more,
    )
    return document(first, second)


def read_strictly(folder, text, name="map.xodr"):
    """The network of a file that is written there; a warning is an error."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_opendrive(path)

"""Errors and omitted parts of OpenDRIVE files."""

from functools import partial

import pytest
from opendrive_samples import (
    document,
    export,
    geometry,
    read_strictly,
    road,
    section,
    simple_road,
    tag,
    two_junctions,
    two_roads,
)
from opendrive_samples import lane as lane_text

from camshaft import envs  # noqa: F401  registers the tasks
from camshaft.envs.driving.road_network.opendrive import OpenDriveWarning, read_opendrive
from camshaft.envs.driving.tasks.town import Town
from camshaft.envs.errors import CamshaftError, CorruptFile


@pytest.fixture
def read(tmp_path):
    return partial(read_strictly, tmp_path)


# Omitted parts are named, once.


def test_unsupported_parts_are_named_in_one_warning(tmp_path):
    more = (
        "<elevationProfile>" + tag("elevation", s=0, a=1, b=0.02, c=0, d=0) + "</elevationProfile>"
        + "<objects>" + tag("object", id=1, s=3, t=2, type="tree") + "</objects>"
        + "<signals>" + tag("signal", s=5, t=-4, id="s", dynamic="no", orientation="+", type="274") + "</signals>"
    )  # fmt: skip
    path = tmp_path / "rich.xodr"
    path.write_text(
        document(simple_road(sections=[section(lane_text(1), lane_text(-1, mark="grass"))], more=more)),
        encoding="utf-8",
    )
    with pytest.warns(OpenDriveWarning) as caught:
        read_opendrive(path)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "rich.xodr: unsupported parts are omitted:" in message
    for part in (
        "elevation (roads are level) (1)",
        "<objects> (1)",
        "signals of type 274 (1)",
        "type 'grass' (1)",
    ):
        assert part in message


def test_level_profiles_are_no_reason_to_warn(read):
    flat = "<elevationProfile>" + tag("elevation", s=0, a=0, b=0, c=0, d=0) + "</elevationProfile>"
    assert read(document(simple_road(more=flat))).lanes


# Errors.


def crossroads_file():
    return export(two_junctions())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "<OpenDRIVE><road", r"map\.xodr: not a whole XML file"),
        (lambda: "", "not a whole XML file"),
        (lambda: "<osm/>", "begins with <OpenDRIVE>, got <osm>"),
        (lambda: '<!DOCTYPE a [<!ENTITY b "c">]><OpenDRIVE/>', "entities are not accepted"),
        (lambda: "<OpenDRIVE/>", "must have a <header>"),
        (lambda: document(header='<header revMajor="2" revMinor="0"/>'), "revMajor must be 1.*got 2"),
        (lambda: document(header='<header revMinor="0"/>'), "<header> must have the attribute 'revMajor'"),
        (lambda: document(), "there is no <road>"),
        (lambda: document(simple_road(), simple_road()), "road 1: duplicate id"),
        (
            lambda: document(simple_road().replace(' id="1"', "", 1)),
            "a road: <road> must have the attribute 'id'",
        ),
        (
            lambda: document(simple_road().replace(' hdg="0.0"', "")),
            "road 1: <geometry> must have the attribute 'hdg'",
        ),
        (
            lambda: document(simple_road().replace('x="0.0"', 'x="zero"')),
            "'x' of <geometry> must be a number, got 'zero'",
        ),
        (lambda: document(simple_road().replace('x="0.0"', 'x="nan"')), "'x' of <geometry> must be finite"),
        (lambda: document(simple_road(length=-5.0)), r"road 1: length must be more than 0 m, got -5"),
        (
            lambda: document(simple_road().replace('hdg="0.0" length="100.0"', 'hdg="0.0" length="-100.0"')),
            "road 1: a <geometry> has a length of -100 m",
        ),
        (
            lambda: document(
                simple_road().replace('name="road 1" length="100.0"', 'name="road 1" length="300.0"')
            ),
            "its length is 300 m, but its geometries have 100 m together",
        ),
        (
            lambda: document(simple_road("<circle/>")),
            "one of line, arc, spiral, poly3, paramPoly3, got circle",
        ),
        (lambda: document(simple_road("<arc/>")), "<arc> must have the attribute 'curvature'"),
        (
            lambda: document(
                simple_road(tag("paramPoly3", aU=0, bU=1, cU=0, dU=0, aV=0, bV=0, cV=0, dV=0, pRange="x"))
            ),
            "pRange must be 'normalized' or 'arcLength', got 'x'",
        ),
        (
            lambda: document(
                road(
                    1,
                    [geometry("<line/>", 0, 0, 0, 0, 50), geometry("<line/>", 50, 60, 0, 0, 50)],
                    [section(lane_text(-1))],
                    100.0,
                )
            ),
            r"at s = 50 must begin where the one before ends, got 10\.0 m",
        ),
        (lambda: document(road(1, [], [section(lane_text(-1))], 100.0)), "its <planView> has no <geometry>"),
        (lambda: document(simple_road(sections=[])), "its <lanes> have no <laneSection>"),
        (
            lambda: document(simple_road(sections=[section(lane_text(-1), lane_text(-3))])),
            r"numbered from the middle without gaps, got \[-1, -3\]",
        ),
        (
            lambda: document(simple_road(sections=[section(lane_text(-1), s=140.0)])),
            r"begins at s = 140, not within 0\.\.100 m",
        ),
        (
            lambda: document(simple_road(sections=[section(lane_text(-1, widths=[]))])),
            "lane -1: it must have a <width>",
        ),
        (
            lambda: document(simple_road(sections=[section(lane_text(-1, kind="sidewalk"))])),
            "none is for driving: types accepted",
        ),
        (
            lambda: document(
                simple_road(links=tag("successor", elementType="road", elementId=7, contactPoint="start"))
            ),
            "road 1: it is linked to road 7, which does not exist",
        ),
        (
            lambda: document(simple_road(links=tag("successor", elementType="junction", elementId=7))),
            "road 1: it is linked to junction 7, which does not exist",
        ),
        (
            lambda: document(
                simple_road(links=tag("successor", elementType="road", elementId=1, contactPoint="top"))
            ),
            "must be one of start, end, got 'top'",
        ),
        (
            lambda: document(simple_road(links=tag("successor", elementType="lane", elementId=1))),
            "must be one of road, junction, got 'lane'",
        ),
        (
            lambda: two_roads(after=-4),
            "road 1, lane -1: it is linked to lane -4 of road 2, which does not exist; existing lanes are -1, 1",
        ),
        (lambda: two_roads(y=30.0), r"linked to lane -1 of road 2, which begins 30\.0 m away"),
        (lambda: document(simple_road(junction=5)), "it leads through junction 5, which does not exist"),
        (
            lambda: document(simple_road().replace('id="1"', 'id="1" rule="LHT"', 1)),
            "rule must be RHT.*got 'LHT'",
        ),
        (
            lambda: document(simple_road().replace('unit="km/h"', 'unit="knots"')),
            "must be one of m/s, km/h, mph, got 'knots'",
        ),
        (
            lambda: crossroads_file().replace('connectingRoad="10', 'connectingRoad="99', 1),
            "names road 99.*which does not exist",
        ),
        (
            lambda: crossroads_file().replace('from="-1" to="-1"', 'from="-1" to="-6"', 1),
            "a laneLink names lane -6",
        ),
        (
            lambda: crossroads_file().replace('contactPoint="start"/>', "/>", 1),
            "must have the attribute 'contactPoint'",
        ),
        (lambda: crossroads_file().replace('incomingRoad="0"', ""), "must have the attribute 'incomingRoad'"),
        (
            lambda: crossroads_file().replace('name="junction 0"', 'name="" type="direct"'),
            "must be 'default' or 'virtual'",
        ),
        (
            lambda: document(simple_road(), tag("junction", id=3, name="")),
            "junction 3: at least two roads must meet in it, its connections give 0",
        ),
        (
            lambda: document(
                simple_road(
                    more="<signals>" + tag("signalReference", s=1, t=0, id=4, orientation="+") + "</signals>"
                )
            ),
            "names signal 4, which does not exist",
        ),
    ],
)
def test_errors_in_a_file_name_their_location(read, make, words):
    with pytest.raises(CorruptFile, match=words) as caught:
        read(make())
    assert "map.xodr" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.xodr"):
        read_opendrive(tmp_path / "nowhere.xodr")


def test_a_file_without_a_long_enough_route_is_refused(tmp_path):
    path = tmp_path / "short.xodr"
    path.write_text(document(simple_road(length=60.0)), encoding="utf-8")
    town = Town(map=path, obs_mode="state", max_episode_steps=9)
    with pytest.raises(CamshaftError, match="no route of 200 to 450 m was found in sample"):
        town.reset(seeds=[0])

"""PyBullet's bodies as rendered here and by PyBullet's own TinyRenderer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pybullet = pytest.importorskip("pybullet")

import pybullet_data  # noqa: E402
from pybullet_utils.bullet_client import BulletClient  # noqa: E402

from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName  # noqa: E402
from camshaft.envs.rendering import (  # noqa: E402
    LABELS,
    Camera,
    PyBulletBodies,
    PyBulletCamera,
    Renderer,
    SceneState,
    look_at,
)
from camshaft.envs.rendering.pybullet.links import pose_matrices  # noqa: E402

DATA = Path(pybullet_data.getDataPath())
FOV, NEAR, FAR = 60.0, 0.05, 50.0
ARM = (0.0, 0.4, 0.0, -1.8, 0.0, 2.2, 0.8)
TABLE_VIEW = look_at((1.4, 0.8, 0.9), (0.35, 0.0, 0.15))


@pytest.fixture
def client():
    client = BulletClient(pybullet.DIRECT)
    client.setAdditionalSearchPath(str(DATA))
    yield client
    if client.isConnected():
        client.disconnect()


def load_panda_table(client, flags=0):
    ids = [
        client.loadURDF(file, position, useFixedBase=True, flags=flags)
        for file, position in (
            ("plane.urdf", (0.0, 0.0, -0.65)),
            ("table/table.urdf", (0.5, 0.0, -0.65)),
            ("franka_panda/panda.urdf", (0.0, 0.0, 0.0)),
        )
    ]
    set_arm(client, ids[2], ARM)
    return ids


def set_arm(client, robot, angles):
    for joint, angle in enumerate(angles):
        client.resetJointState(robot, joint, angle)


def square_camera(size):
    return Camera(width=size, height=size, fov_degrees=FOV, near=NEAR, far=FAR)


def tiny(client, pose, size):
    """rgb, depth in meters and body ids, −1 for none, of the TinyRenderer."""
    eye, forward, down = pose[:3, 3], pose[:3, 2], pose[:3, 1]
    view = client.computeViewMatrix(eye.tolist(), (eye + forward).tolist(), (-down).tolist())
    projection = client.computeProjectionMatrixFOV(FOV, 1.0, NEAR, FAR)
    _, _, rgb, buffer, ids = client.getCameraImage(
        size, size, view, projection, shadow=0, renderer=pybullet.ER_TINY_RENDERER
    )
    depth = FAR * NEAR / (FAR - (FAR - NEAR) * np.reshape(buffer, (size, size)))
    return np.reshape(rgb, (size, size, 4))[..., :3].astype(int), depth, np.reshape(ids, (size, size))


def compare(client, pose, size=400):
    """IoU of each body that the TinyRenderer sees, and the median difference of depth where both see the same one.

    The TinyRenderer's images lie half a pixel to the side, so that even equal shapes do not overlap wholly.
    """
    ours = PyBulletCamera(client, square_camera(size), ("instances", "depth")).render(pose)
    _, depth, ids = tiny(client, pose, size)
    found = ours["instances"].astype(int) - 1
    overlaps = {
        body: ((ids == body) & (found == body)).sum() / ((ids == body) | (found == body)).sum()
        for body in np.unique(ids[ids >= 0])
    }
    same = (ids >= 0) & (ids == found)
    return overlaps, float(np.median(np.abs(depth - ours["depth"])[same]))


def box(client, position, color=(0.2, 0.3, 0.8, 1.0), orientation=(0, 0, 0, 1), size=0.1, **more):
    shape = client.createVisualShape(pybullet.GEOM_BOX, halfExtents=[size] * 3, rgbaColor=color)
    return client.createMultiBody(1.0, -1, shape, position, orientation, **more)


def rgb_of(images, body):
    return np.median(images["rgb"][images["instances"] == body + 1], axis=0).astype(int)


BOTH = ("rgb", "instances")


def test_the_panda_table_is_where_pybullet_has_it(client):
    plane, table, robot = load_panda_table(client)
    overlaps, depth_error = compare(client, TABLE_VIEW)
    assert set(overlaps) == {plane, table, robot}
    assert min(overlaps.values()) > 0.95
    assert depth_error < 0.01


def test_link_poses_are_followed(client):
    robot = load_panda_table(client)[2]
    camera = PyBulletCamera(client, square_camera(200), ("instances",))
    before = camera.render(TABLE_VIEW)["instances"] == robot + 1
    set_arm(client, robot, (1.0, -0.3, 0.4, -1.2, 0.5, 1.4, 0.0))
    after = camera.render(TABLE_VIEW)["instances"] == robot + 1
    seen = tiny(client, TABLE_VIEW, 200)[2] == robot
    assert (before & seen).sum() / (before | seen).sum() < 0.6
    assert (after & seen).sum() / (after | seen).sum() > 0.9


@pytest.mark.parametrize(
    ("file", "least"),
    [
        ("r2d2.urdf", 0.95),
        ("husky/husky.urdf", 0.95),
        ("kuka_iiwa/kuka_with_gripper2.sdf", 0.93),
        (
            "mjcf/humanoid_symmetric_no_ground.xml",
            0.85,
        ),  # the TinyRenderer renders capsules with pointed ends
        ("mjcf/ant.xml", 0.85),
        ("mjcf/half_cheetah.xml", 0.85),
    ],
)
def test_every_kind_of_description_stands_where_pybullet_has_it(client, file, least):
    load = {".sdf": client.loadSDF, ".xml": client.loadMJCF}.get(Path(file).suffix)
    body = client.loadURDF(file) if load is None else load(file)[-1]
    position = client.getBasePositionAndOrientation(body)[0]
    turn = client.getQuaternionFromEuler((0.5, -0.4, 0.9))
    client.resetBasePositionAndOrientation(body, position, turn)
    for joint in range(client.getNumJoints(body)):
        if client.getJointInfo(body, joint)[2] == pybullet.JOINT_REVOLUTE:
            client.resetJointState(body, joint, 0.3)
    pose = look_at(np.add(position, (1.6, 1.2, 0.8)), position)
    overlaps, depth_error = compare(client, pose)
    assert overlaps[body] > least
    assert depth_error < 0.02


def test_a_base_whose_center_of_mass_is_elsewhere_is_drawn_where_it_is(client):
    turn = client.getQuaternionFromEuler((0.3, 0.5, 0.7))
    off_center = {"baseInertialFramePosition": (0.3, -0.2, 0.1), "baseInertialFrameOrientation": turn}
    body = box(client, (0.0, 0.0, 0.0), orientation=turn, **off_center)
    overlaps, depth_error = compare(client, look_at((1.0, 0.8, 0.7), (0.0, 0.0, 0.0)))
    assert overlaps[body] > 0.93
    assert depth_error < 0.01


@pytest.mark.parametrize("scale", [(0.2, 0.2, 0.2), (-0.2, 0.1, 0.3), (0.3, -0.2, -0.2)])
@pytest.mark.parametrize("file", ["duck.obj", "duck.dae", "racecar/meshes/cone.dae", "l_finger.stl"])
def test_mesh_files_are_scaled_and_mirrored(client, file, scale):
    factor = {"duck.obj": 1.0, "duck.dae": 1.0, "racecar/meshes/cone.dae": 8.0, "l_finger.stl": 12.0}[file]
    scale = [factor * each for each in scale]
    shape = client.createVisualShape(pybullet.GEOM_MESH, fileName=str(DATA / file), meshScale=scale)
    turn = client.getQuaternionFromEuler((0.3, 0.5, 0.7))
    body = client.createMultiBody(0.0, -1, shape, (0.0, 0.0, 0.0), turn)
    overlaps, _ = compare(client, look_at((0.8, 0.7, 0.5), (0.0, 0.0, 0.0)))
    assert overlaps[body] > 0.9


def test_colors_are_those_of_pybullet_and_change_with_them(client):
    red = box(client, (0.0, 0.0, 0.0), (0.9, 0.1, 0.1, 1.0))
    half = box(client, (0.0, 0.5, 0.0), (0.1, 0.8, 0.1, 0.5))
    box(client, (0.3, 0.25, 0.0), (0.1, 0.1, 0.1, 0.0), size=0.4)  # in front of both, wholly transparent
    camera = PyBulletCamera(client, square_camera(100), BOTH)
    pose = look_at((1.5, 0.25, 0.3), (0.0, 0.25, 0.0))
    images = camera.render(pose)
    assert set(np.unique(images["instances"])) == {0, red + 1, half + 1}
    first, second = rgb_of(images, red), rgb_of(images, half)
    assert first[0] > 5 * first[1]
    assert second[1] > 4 * second[0]
    client.changeVisualShape(red, -1, rgbaColor=(0.1, 0.1, 0.9, 1.0))
    first = rgb_of(camera.render(pose), red)
    assert first[2] > 5 * first[1]


def test_a_capsule_of_mjcf_lies_where_it_is_although_another_is_transparent(client):
    body = client.loadMJCF("mjcf/half_cheetah.xml")[-1]
    pose = look_at((0.3, -2.5, 1.0), (0.0, 0.0, 0.6))
    before = PyBulletCamera(client, square_camera(200), ("instances",)).render(pose)["instances"]
    for link in (3, 11):
        client.changeVisualShape(body, link, rgbaColor=(1.0, 1.0, 1.0, 0.0))
    after = PyBulletCamera(client, square_camera(200), ("instances",)).render(pose)["instances"]
    assert (after > 0).sum() < 0.8 * (before > 0).sum()
    assert not (after[before == 0]).any()


def test_textures_are_seen_as_the_tinyrenderer_sees_them(client, tmp_path):
    from PIL import Image

    quarters = np.zeros((4, 4, 3), np.uint8)
    quarters[:2, :2], quarters[:2, 2:], quarters[2:, :2] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    Image.fromarray(np.kron(quarters, np.ones((15, 15, 1), np.uint8))).save(tmp_path / "quarters.png")
    (tmp_path / "sheet.mtl").write_text("newmtl paint\nKd 0.1 0.1 0.1\nmap_Kd quarters.png\n")
    (tmp_path / "sheet.obj").write_text(
        "mtllib sheet.mtl\nv 0 -1 -1\nv 0 1 -1\nv 0 1 1\nv 0 -1 1\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvn 1 0 0\n"
        "usemtl paint\nf 1/1/1 2/2/1 3/3/1\nf 1/1/1 3/3/1 4/4/1\n"
    )
    shape = client.createVisualShape(pybullet.GEOM_MESH, fileName=str(tmp_path / "sheet.obj"))
    client.createMultiBody(0.0, -1, shape)
    pose = look_at((3.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    ours = PyBulletCamera(client, square_camera(100), BOTH).render(pose)["rgb"].astype(int)
    theirs = tiny(client, pose, 100)[0]
    for row, column in ((35, 35), (35, 65), (65, 35), (65, 65)):
        assert (ours[row, column] > 90).tolist() == (theirs[row, column] > 90).tolist()
    assert (ours[35, 35] > 90).any()


def test_a_texture_that_pybullet_does_not_tell_of_can_be_named(client):
    body = box(client, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0))
    pose = look_at((0.8, 0.1, 0.3), (0.0, 0.0, 0.0))
    plain = PyBulletCamera(client, square_camera(60), BOTH).render(pose)
    named = PyBulletCamera(
        client, square_camera(60), BOTH, textures={(body, -1): DATA / "checker_blue.png"}
    ).render(pose)
    blueness = [
        (images["rgb"][..., 2].astype(int) - images["rgb"][..., 0])[images["instances"] == body + 1].mean()
        for images in (plain, named)
    ]
    assert abs(blueness[0]) < 8
    assert blueness[1] > 15


def test_bodies_that_come_and_go_are_noticed(client):
    first = box(client, (0.0, 0.0, 0.0))
    camera = PyBulletCamera(client, square_camera(80), ("instances",))
    camera.state.sun_color[:] = 0.25
    pose = look_at((1.5, 0.25, 0.5), (0.0, 0.25, 0.0))
    assert set(np.unique(camera.render(pose)["instances"])) == {0, first + 1}
    second = box(client, (0.0, 0.5, 0.0))
    assert set(np.unique(camera.render(pose)["instances"])) == {0, first + 1, second + 1}
    client.removeBody(first)
    assert set(np.unique(camera.render(pose)["instances"])) == {0, second + 1}
    client.resetSimulation()
    assert set(np.unique(camera.render(pose)["instances"])) == {0}
    client.loadURDF("r2d2.urdf")
    assert set(np.unique(camera.render(pose)["instances"])) == {0, 1}
    assert (camera.state.sun_color == 0.25).all()


def test_labels_and_instances(client):
    plane, table, robot = load_panda_table(client)
    labels = {robot: "robot", table: "table"}
    images = PyBulletCamera(client, square_camera(84), ("segmentation", "instances"), labels).render(
        TABLE_VIEW
    )
    for body, label in ((plane, "object"), (table, "table"), (robot, "robot")):
        own = images["instances"] == body + 1
        assert own.any()
        assert (images["segmentation"][own] == LABELS[label]).all()


def test_a_camera_rides_on_a_link(client):
    robot = load_panda_table(client)[2]
    lens = Camera(60, 60, 75.0, position=(0.08, 0.0, 0.02), pitch_degrees=-80.0, near=0.02)
    mounted = PyBulletCamera(client, lens, body=robot, link=8)
    before = mounted.render()["rgb"]
    set_arm(client, robot, (0.5, 0.2, 0.1, -1.5, 0.2, 1.9, 0.3))
    state = client.getLinkState(robot, 8, computeForwardKinematics=True)
    pose = np.eye(4)
    pose[:3, :3] = np.reshape(client.getMatrixFromQuaternion(state[5]), (3, 3))
    pose[:3, 3] = state[4]
    assert (mounted.render()["rgb"] != before).any()
    assert (mounted.render()["rgb"] == mounted.render(pose @ lens.mount)["rgb"]).mean() > 0.999


def test_other_clients_without_visual_shapes_are_posed_world_by_world(client):
    load_panda_table(client)
    others = [BulletClient(pybullet.DIRECT) for _ in range(2)]
    bodies = PyBulletBodies(client)
    state = SceneState(bodies.scene, 3)
    renderer = Renderer(state, square_camera(100), ("instances",))
    arms = [ARM, (0.9, 0.1, 0.0, -1.5, 0.0, 1.6, 0.0), (-0.7, 0.6, 0.3, -1.2, 0.0, 2.0, 0.8)]
    bodies.update(state, 0)
    for world, other in enumerate(others, start=1):
        other.setAdditionalSearchPath(str(DATA))
        robot = load_panda_table(other, pybullet.URDF_IGNORE_VISUAL_SHAPES)[2]
        assert all(b"/visual/" not in row[4] for row in other.getVisualShapeData(robot))
        set_arm(other, robot, arms[world])
        bodies.update(state, world, other)
    images = renderer.render(np.tile(TABLE_VIEW, (3, 1, 1)))["instances"]
    for world, arm in enumerate(arms):
        set_arm(client, robot, arm)
        alone = PyBulletCamera(client, square_camera(100), ("instances",)).render(TABLE_VIEW)["instances"]
        assert (images[world] == alone).all()
    for other in others:
        other.disconnect()


def test_what_is_written_to_the_colors_stays(client):
    box(client, (0.0, 0.0, 0.0))
    bodies = PyBulletBodies(client)
    state = SceneState(bodies.scene, 2)
    bodies.update(state, 0)
    assert state.colors[1, 0] == pytest.approx((0.2, 0.3, 0.8))
    state.colors[:] = 0.5
    bodies.update(state, 1)
    assert (state.colors == 0.5).all()
    with pytest.raises(InvalidOption, match="scene"):
        bodies.update(SceneState(PyBulletBodies(client).scene, 1))


def test_few_triangles_of_the_panda_table_look_like_all(client, monkeypatch):
    load_panda_table(client)
    bodies = PyBulletBodies(client)
    images, counts = {}, {}
    for size, most in ((84, 2300), (224, 4500)):
        for pixels in (1e-9, 0.5):
            monkeypatch.setattr("camshaft.envs.rendering.geometry.MAX_ERROR_PIXELS", pixels)
            state = SceneState(bodies.scene, 1)
            bodies.update(state)
            outputs = ("rgb", "instances")
            renderer = Renderer(state, square_camera(size), outputs)
            images[pixels] = renderer.render(TABLE_VIEW[None])
            counts[pixels] = drawn_triangles(state, renderer.camera)
        assert counts[0.5] < most < 100_000 < counts[1e-9]
        assert (images[0.5]["instances"] == images[1e-9]["instances"]).mean() > 0.995
        assert np.abs(images[0.5]["rgb"].astype(int) - images[1e-9]["rgb"]).mean() < 2.0


def drawn_triangles(state, camera):
    """Triangles of the levels of detail that a camera at TABLE_VIEW chooses."""
    count, geometry = 0, state.geometry
    for mesh, (x, y, z, radius) in zip(state.meshes[0], state.bounds[0], strict=True):
        depth = (np.linalg.inv(TABLE_VIEW) @ [x, y, z, 1.0])[2]
        while geometry.mesh_coarser[mesh] >= 0 and (
            camera.focal_length * radius / max(depth, NEAR) < geometry.mesh_pixels[mesh]
        ):
            mesh = geometry.mesh_coarser[mesh]
        count += geometry.mesh_ranges[mesh, 3]
    return count


def test_a_client_may_be_a_number_or_the_module(client):
    box(client, (0.0, 0.0, 0.0))
    pose = look_at((1.0, 0.2, 0.3), (0.0, 0.0, 0.0))
    by_object = PyBulletCamera(client).render(pose)["rgb"]
    assert (PyBulletCamera(client._client).render(pose)["rgb"] == by_object).all()
    assert by_object.shape == (84, 84, 3)


def test_quaternions_turn_as_pybullet_turns_them(client):
    generator = np.random.default_rng(1)
    for _ in range(20):
        quaternion = generator.normal(size=4)
        quaternion /= np.linalg.norm(quaternion)
        expected = np.reshape(client.getMatrixFromQuaternion(quaternion.tolist()), (3, 3))
        assert pose_matrices([1.0, 2.0, 3.0, *quaternion])[:3, :3] == pytest.approx(expected, abs=1e-6)


def test_bad_input_is_named(client, tmp_path):
    body = box(client, (0.0, 0.0, 0.0))
    with pytest.raises(InvalidOption, match="client must be"):
        PyBulletCamera("client")
    with pytest.raises(InvalidOption, match="not connected"):
        PyBulletCamera(999)
    with pytest.raises(InvalidOption, match="no body 7"):
        PyBulletCamera(client, labels={7: "robot"})
    with pytest.raises(InvalidOption, match="no body 7"):
        PyBulletCamera(client, body=7)
    with pytest.raises(InvalidOption, match="link must be"):
        PyBulletCamera(client, body=body, link=3)
    with pytest.raises(UnknownName, match="robot"):
        PyBulletCamera(client, labels={body: "robott"})
    with pytest.raises(UnknownName, match="rgb"):
        PyBulletCamera(client, outputs=("rbg",))
    with pytest.raises(InvalidOption, match=r"\(4, 4\)"):
        PyBulletCamera(client).render(np.eye(3))
    with pytest.raises(CorruptFile, match="missing.png"):
        PyBulletCamera(client, textures={(body, -1): tmp_path / "missing.png"})
    camera = PyBulletCamera(client, body=body)
    client.removeBody(body)
    with pytest.raises(CamshaftError, match=f"no body {body}"):
        camera.render()


def test_a_mesh_that_has_gone_or_is_broken_is_named_and_the_camera_goes_on(client, tmp_path):
    box(client, (0.0, 0.0, 0.0))
    camera = PyBulletCamera(client, square_camera(40), ("instances",))
    pose = look_at((1.5, 0.25, 0.5), (0.0, 0.0, 0.0))
    path = tmp_path / "triangle.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    shape = client.createVisualShape(pybullet.GEOM_MESH, fileName=str(path))
    second = client.createMultiBody(0.0, -1, shape)
    path.write_text("this is no mesh\n")
    with pytest.raises(CorruptFile, match="triangle.obj"):
        camera.render(pose)
    path.unlink()
    with pytest.raises(CorruptFile, match="no mesh file"):
        camera.render(pose)
    client.removeBody(second)
    assert camera.render(pose)["instances"].any()


def test_what_pybullet_keeps_to_itself_is_left_out_with_a_warning(client):
    heights = [0.0] * 16
    field = client.createCollisionShape(
        pybullet.GEOM_HEIGHTFIELD, heightfieldData=heights, numHeightfieldRows=4, numHeightfieldColumns=4
    )
    client.createMultiBody(0.0, field)
    with pytest.warns(UserWarning, match="not rendered"):
        images = PyBulletCamera(client, outputs=("instances",)).render(np.eye(4))
    assert not images["instances"].any()


def test_a_missing_texture_is_left_out_with_a_warning(client, tmp_path):
    (tmp_path / "bare.mtl").write_text("newmtl paint\nmap_Kd gone.png\n")
    path = tmp_path / "bare.obj"
    path.write_text("mtllib bare.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl paint\nf 1/1 2/1 3/1\n")
    shape = client.createVisualShape(pybullet.GEOM_MESH, fileName=str(path))
    client.createMultiBody(0.0, -1, shape)
    with pytest.warns(UserWarning, match="gone.png"):
        images = PyBulletCamera(client, outputs=("instances",)).render(
            look_at((0.3, 0.3, 2.0), (0.3, 0.3, 0.0))
        )
    assert images["instances"].any()


def test_importing_environments_does_not_import_pybullet():
    code = "import sys, camshaft.envs.rendering; assert not {'pybullet', 'trimesh', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)

"""The renderer's CUDA kernels against its CPU kernels: in Numba's simulator, as machine code, and on a GPU."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from rendering_scenes import FORWARD, build, moved

from camshaft.envs.errors import CamshaftError, InvalidOption, UnknownName
from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface, Texture, look_at

cuda_renderer = pytest.importorskip("camshaft.envs.rendering.cuda.renderer")
cuda_arrays = pytest.importorskip("camshaft.envs.rendering.cuda.arrays")

CAMERAS = {  # at the size of the simulator, which renders some hundred pixels a second
    "pinhole": Camera(20, 16, 70.0),
    "supersampled": Camera(8, 8, 70.0, supersampling=2),
    "distorted": Camera(12, 10, 70.0, distortion=(-0.2, 0.05, 0.001, 0.001)),
    "fisheye": Camera(12, 12, 190.0, lens="fisheye"),
    "cylindrical": Camera(14, 8, 200.0, lens="cylindrical"),
    "shadows": Camera(12, 10, 70.0, shadow_distance=10.0),
}
OUTPUTS = ("rgb", "depth", "segmentation", "instances", "normals", "world_normals", "positions")
POSES = np.stack([FORWARD, look_at([0.5, 0.0, 0.3], [5.0, 0.5, 0.0])])


def noise(side, channels):
    return Texture(np.random.default_rng(0).integers(0, 256, (side, side, channels)).astype(np.uint8))


def everything():
    """Two worlds of textured ground through the near plane, specular paint, metal, a lamp, cut-out leaves, fog, sky."""
    tiles = Surface((1.0, 1.0, 1.0), noise(32, 3), "road")
    leaves = Surface((0.5, 1.0, 0.5), noise(8, 4), double_sided=True)
    paint = Surface((0.7, 0.1, 0.1), specular=0.04, shininess=64, tinted=False)
    metal = Surface((0.7, 0.6, 0.2), specular=0.6, metallic=True)
    bulb = Surface((1.0, 0.9, 0.2), emissive=True, label="pole")
    state, _ = build(
        [
            (Mesh.grid(60.0, 60.0, tiles, cells=1), moved(6.0, 0.0, -1.2)),
            (Mesh.box([1.0, 2.0, 0.7], tiles), moved(6.0, 1.0, 0.0, 0.3)),
            (Mesh.sphere(0.8, paint, 12, 6), moved(5.0, -1.0, 0.3)),
            (Mesh.sphere(0.6, metal, 12, 6), moved(4.0, 0.3, 0.8)),
            (Mesh.box([0.5, 0.5, 0.5], bulb), moved(4.0, 1.6, -0.5, 0.5)),
            (Mesh.box([0.6, 0.6, 0.6], leaves), moved(3.0, -1.2, -0.6, 0.7)),
        ],
        num_worlds=2,
    )
    state.fog_density[1] = 0.05
    state.sun_direction[1] = [0.6, -0.48, 0.64]
    state.lamp_positions[1, 0] = [3.0, 0.0, 1.5]
    state.lamp_directions[1, 0] = [0.6, 0.0, -0.8]
    state.lamp_colors[1, 0] = 0.3
    state.colors[1, :, 0] = 0.7
    return state


def differences(images, expected):
    """By output: the largest difference, and the share of pixels that differ by more than is allowed."""
    result = {}
    for name, image in images.items():
        far = np.abs(image.astype(float) - expected[name])
        pixels = far.reshape(*far.shape[:3], -1).max(axis=-1)
        result[name] = [float(far.max()), float((pixels > (1.0 if name == "rgb" else 1e-3)).mean())]
    return result


def on_host(images):
    return {name: image.copy_to_host() for name, image in images.items()}


def compare(state, camera, outputs=OUTPUTS):
    expected = Renderer(state, camera, outputs, 1).render(POSES)
    assert expected["rgb"].std() > 20.0
    return differences(on_host(Renderer(state, camera, outputs, device="cuda").render(POSES)), expected)


# What runs in the simulator, in a process of its own: Numba reads its environment when it is imported.


def simulate():
    """Findings of all runs in the simulator, by name."""
    import camshaft.envs.rendering.cpu.shadows

    camshaft.envs.rendering.cpu.shadows.MIN_SIZE = 32  # texels, for want of time
    state = everything()
    findings = {name: compare(state, camera) for name, camera in CAMERAS.items()}
    findings["second time"] = simulate_again(state)
    findings["levels"] = simulate_levels()
    findings["arena"] = simulate_arena()
    findings["errors"] = simulate_errors(state)
    return findings


def simulate_again(state):
    """Two equal runs; then one world from an earlier snapshot; and poses that were not uploaded."""
    camera = Camera(10, 8, 70.0)
    renderer = cuda_renderer.CudaRenderer(state, camera, ("rgb", "instances"))
    images = on_host(renderer.render(POSES))
    again = on_host(renderer.render(POSES))
    snapshot = state.snapshot()
    state.set_pose(state.scene.objects["1"], np.tile(moved(4.0, -0.5, 0.3), (2, 1, 1)))
    one = on_host(renderer.render(POSES[1:], np.array([1]), snapshot))
    stale = on_host(renderer.render(POSES, upload=("meshes",)))
    fresh = differences(
        on_host(renderer.render(POSES)), Renderer(state, camera, ("rgb", "instances"), 1).render(POSES)
    )
    return {
        "repeats": all(np.array_equal(images[name], again[name]) for name in images),
        "one world": all(np.array_equal(images[name][1], one[name][0]) for name in images),
        "what is not uploaded stays": all(np.array_equal(images[name], stale[name]) for name in images),
        "fresh": fresh,
        "moved": bool((on_host(renderer.render(POSES))["rgb"] != images["rgb"]).any()),
    }


def simulate_levels():
    """Levels of detail, hidden slots, and more slots than one block of threads culls at once."""
    scene = Scene()
    ball = [
        Mesh.sphere(0.9, Surface((0.9, 0.2, 0.1)), 16, 8),
        Mesh.sphere(0.9, Surface((0.1, 0.2, 0.9)), 6, 3),
    ]
    balls = scene.add("ball", [ball], count=40)
    state = SceneState(scene, 1)
    places = np.column_stack([np.linspace(4.0, 20.0, 35), np.linspace(-4.0, 14.0, 35), np.zeros(35)])
    state.place(0, balls, places)
    camera = Camera(16, 10, 90.0)
    cpu, gpu = (
        Renderer(state, camera, ("rgb", "instances"), device=device).render(POSES[:1])
        for device in ("cpu", "cuda")
    )
    assert len(np.unique(cpu["instances"])) > 8
    return differences(on_host(gpu), cpu)


def simulate_arena():
    """Geometry of each world's own, replaced between two frames."""
    scene = Scene()
    surfaces = [Surface((0.8, 0.3, 0.2), label="road"), Surface((0.2, 0.3, 0.8), label="terrain")]
    scene.add_arena(64, 64, 2, surfaces)
    state = SceneState(scene, 2)

    def fill(world, surface, x):
        mesh = Mesh.box([1.0, 1.5, 1.0], surface).translated((x, 0.0, 0.0))
        state.set_arena(world, mesh, [0, len(mesh.positions)], [0, len(mesh.faces)])

    fill(0, surfaces[0], 4.0)
    fill(1, surfaces[1], 5.0)
    camera = Camera(10, 8, 60.0)
    names = ("rgb", "segmentation", "instances")
    gpu, cpu = Renderer(state, camera, names, device="cuda"), Renderer(state, camera, names, 1)
    poses = np.stack([FORWARD, FORWARD])
    before = differences(on_host(gpu.render(poses)), cpu.render(poses))
    fill(1, surfaces[0], 3.0)
    after = differences(on_host(gpu.render(poses)), cpu.render(poses))
    return {"before": before, "after": after}


def simulate_errors(state):
    """Messages about what the GPU cannot do."""
    camera = Camera(8, 8, 70.0)
    renderer = Renderer(state, camera, ("rgb",), device="cuda")
    images = Renderer(state, camera, ("rgb",), 1).render(POSES)
    calls = {
        "output": lambda: Renderer(state, camera, ("rgb", "flow"), device="cuda"),
        "out": lambda: renderer.render(POSES, out=images),
        "flow_target": lambda: renderer.render(POSES, flow_target=(state.snapshot(), POSES)),
        "poses": lambda: renderer.render(POSES[0]),
        "worlds": lambda: renderer.render(POSES, np.array([0, 2])),
        "upload": lambda: cuda_renderer.CudaRenderer(state, camera, ("rgb",)).render(POSES, upload=("pose",)),
    }
    messages = {}
    for name, call in calls.items():
        with pytest.raises(InvalidOption) as caught:
            call()
        messages[name] = str(caught.value)
    assert renderer.render(np.zeros((0, 4, 4)), np.zeros(0, np.int64))["rgb"].shape == (0, 8, 8, 3)
    return messages


@pytest.fixture(scope="module")
def simulated():
    """The findings of `simulate`, of another process."""
    command = "import json, test_cuda_renderer; print(json.dumps(test_cuda_renderer.simulate()))"
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[2] / "helpers"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": os.pathsep.join(paths)}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", command], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


def assert_equal(found):
    """Images equal to those of the CPU: colors within one gray level on 99.9 % of the pixels, labels likewise."""
    assert {name: share for name, (_, share) in found.items() if share > 0.001} == {}


@pytest.mark.parametrize("name", CAMERAS)
def test_images_equal_those_of_the_cpu(simulated, name):
    found = simulated[name]
    assert set(found) == set(OUTPUTS)
    assert_equal(found)


def test_images_repeat_and_follow_what_is_uploaded(simulated):
    found = simulated["second time"]
    assert_equal(found.pop("fresh"))
    assert all(found.values()), found


def test_levels_of_detail_and_many_slots_are_those_of_the_cpu(simulated):
    assert_equal(simulated["levels"])


def test_an_arena_may_be_replaced(simulated):
    assert_equal(simulated["arena"]["before"])
    assert_equal(simulated["arena"]["after"])


def test_what_the_gpu_cannot_do_is_named(simulated):
    messages = simulated["errors"]
    assert "'flow'" in messages["output"] and "world_normals" in messages["output"]
    assert "out" in messages["out"] and "flow_target" in messages["flow_target"]
    assert "(2, 4, 4)" in messages["poses"] and "0..1" in messages["worlds"]
    assert "'pose'" in messages["upload"] and "'poses'" in messages["upload"]


def test_a_device_that_is_not_there_is_named():
    state, _ = build([(Mesh.box([1.0, 1.0, 1.0]), moved(4.0))])
    with pytest.raises(UnknownName, match="cpu, cuda"):
        Renderer(state, Camera(8, 8), device="gpu")
    if not numba.cuda.is_available():
        with pytest.raises(CamshaftError, match=r"camshaft\[cuda\]"):
            Renderer(state, Camera(8, 8), device="cuda")


# Machine code, without a GPU: the kernels as the renderer launches them, compiled for a Hopper GPU.


def nvvm_is_there():
    if importlib.util.find_spec("numba_cuda") is None:
        return False
    from numba.cuda.cudadrv.nvvm import NVVM

    try:
        NVVM()
    except Exception:
        return False
    return True


class Compiled:
    """Stands for a kernel: compiles it where it would be launched."""

    def __init__(self, kernel, results):
        self.kernel, self.results = kernel, results

    def __getitem__(self, configuration):
        return self

    def __call__(self, *arguments):
        types = tuple(numba.typeof(argument) for argument in arguments)
        name = self.kernel.py_func.__name__
        self.results[name], _ = numba.cuda.compile_ptx(self.kernel, types, cc=(9, 0))


@pytest.mark.slow
@pytest.mark.skipif(not nvvm_is_there(), reason="numba-cuda or the NVVM library is not installed")
def test_every_kernel_compiles_without_local_memory(monkeypatch):
    kernels = (
        "set_view_transforms",
        "cull",
        "cull_casters",
        "rasterize",
        "shade",
        "write_labels",
        "fit_shadows",
    )
    results = {}
    for name in kernels:
        monkeypatch.setattr(cuda_renderer, name, Compiled(getattr(cuda_renderer, name), results))
    nothing = SimpleNamespace(synchronize=lambda: None, record=lambda stream: None)
    host = SimpleNamespace(
        device_array=np.empty,
        pinned_array=np.empty,
        to_device=np.asarray,
        event=lambda: nothing,
        default_stream=lambda: None,
        stream=None,
    )
    monkeypatch.setattr(cuda_renderer, "cuda", host)
    monkeypatch.setattr(cuda_arrays, "cuda", host)
    monkeypatch.setattr(cuda_arrays.Uploads, "copy", lambda self, sources: None)
    monkeypatch.setattr(cuda_renderer, "require_gpu", lambda: None)
    device = SimpleNamespace(compute_capability=(9, 0))
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
    camera = Camera(64, 64, 70.0, shadow_distance=10.0)
    cuda_renderer.CudaRenderer(everything(), camera, OUTPUTS).render(POSES)
    assert set(results) == set(kernels)
    for name, code in results.items():
        assert ".target sm_90" in code, name
        assert not re.search(r"\b(ld|st)\.local", code), name
        assert "call.uni" not in code, name


# On a GPU.

on_gpu = pytest.mark.skipif(not numba.cuda.is_available(), reason="no GPU")


@on_gpu
@pytest.mark.parametrize("name", CAMERAS)
def test_images_of_a_gpu_equal_those_of_the_cpu(name):
    from dataclasses import replace

    assert_equal(compare(everything(), replace(CAMERAS[name], width=150, height=110)))


@on_gpu
def test_a_gpu_repeats_itself_and_shares_its_images_with_torch():
    torch = pytest.importorskip("torch")
    renderer = Renderer(everything(), Camera(150, 110, 70.0), OUTPUTS, device="cuda")
    first = on_host(renderer.render(POSES))
    images = renderer.render(torch.as_tensor(POSES, device="cuda"))
    for name, image in images.items():
        assert np.array_equal(image.copy_to_host(), first[name])
    tensor = torch.as_tensor(images["depth"], device="cuda")
    assert tensor.data_ptr() == images["depth"].__cuda_array_interface__["data"][0]
    assert np.array_equal(tensor.cpu().numpy(), first["depth"])

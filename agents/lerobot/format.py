"""Format of LeRobotDataset v3.0 folders: file names, features, metadata.

Source: the format as written and read by the `lerobot` package 0.6 (`lerobot/datasets`), codebase version v3.0.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice

VERSION = "v3.0"
FILES_PER_CHUNK = 1000
INFO = Path("meta/info.json")
STATISTICS = Path("meta/stats.json")
TASKS = Path("meta/tasks.parquet")
EPISODES = Path("meta/episodes")
NUMBERED = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA_PATH = f"data/{NUMBERED}.parquet"
EPISODES_PATH = f"{EPISODES}/{NUMBERED}.parquet"
VIDEO_PATH = f"videos/{{video_key}}/{NUMBERED}.mp4"

IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NUMERIC_TYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
FEATURE_TYPES = ("image", "video", *NUMERIC_TYPES)
IMAGE_AXES = ("height", "width", "channels")


@dataclass(frozen=True)
class Feature:
    """One column of a dataset.

    Attributes:
        dtype: "image" (PNG inside the parquet file, exact), "video" (MP4, lossy) or a numeric type.
        shape: of one row: (H, W, 3) of an image or video, (D,) of numbers.
        names: of the components.
    """

    dtype: str
    shape: tuple[int, ...] = (1,)
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_choice("feature dtype", self.dtype, FEATURE_TYPES)
        if self.is_visual and (len(self.shape) != 3 or self.shape[2] != 3):
            raise InvalidOption(f"an {self.dtype} feature has shape (H, W, 3), got {self.shape}")
        if self.dtype == "video" and (self.shape[0] % 2 or self.shape[1] % 2):
            raise InvalidOption(f"a video feature has an even height and width, got {self.shape}")
        if not self.is_visual and len(self.shape) != 1:
            raise InvalidOption(f"a {self.dtype} feature has shape (D,), got {self.shape}")

    @property
    def is_visual(self) -> bool:
        """Whether rows are (H, W, 3) uint8 RGB frames."""
        return self.dtype in ("image", "video")

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) of an image or video."""
        return self.shape[0], self.shape[1]

    def as_json(self) -> dict[str, Any]:
        """This feature as info.json describes it."""
        names = IMAGE_AXES if self.is_visual and self.names is None else self.names
        return {"dtype": self.dtype, "shape": list(self.shape), "names": names and list(names)}


INDEX_FEATURES = {
    "timestamp": Feature("float32"),
    "frame_index": Feature("int64"),
    "episode_index": Feature("int64"),
    "index": Feature("int64"),
    "task_index": Feature("int64"),
}


@dataclass
class DatasetState:
    """Metadata of a folder, as last written to disk.

    Attributes:
        info: content of info.json.
        features: every column, the index columns included.
        episodes: one row an episode, as the episodes' parquet files hold them.
        tasks: task texts; `task_index` counts along this list.
    """

    info: dict[str, Any]
    features: dict[str, Feature]
    episodes: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)

    @property
    def num_frames(self) -> int:
        """Frames in all complete episodes."""
        return int(self.info["total_frames"])


def load_state(folder: Path, statistics: bool = False) -> DatasetState:
    """Read the metadata of a dataset folder.

    Episodes that info.json does not count were being written when the writer died; they are left out.

    Args:
        folder: of the dataset.
        statistics: keep the statistics in the episodes' rows.

    Raises:
        InvalidOption: the folder is not a dataset.
        CorruptFile: a file is damaged; the message names it.
    """
    info = load_info(folder)
    state = DatasetState(info, _parse_features(folder / INFO, info["features"]))
    if info["total_episodes"]:
        state.tasks = _load_tasks(folder / TASKS)
    for path in sorted((folder / EPISODES).glob("*/*.parquet")):
        if len(state.episodes) >= info["total_episodes"]:
            break
        table = read_table(path)
        kept = [name for name in table.column_names if statistics or not name.startswith("stats/")]
        state.episodes += table.select(kept).to_pylist()
    if len(state.episodes) < info["total_episodes"]:
        raise CorruptFile(
            f"{folder / EPISODES}: {len(state.episodes)} episodes, {info['total_episodes']} were recorded"
        )
    del state.episodes[info["total_episodes"] :]
    return state


def load_info(folder: Path) -> dict[str, Any]:
    """Read info.json.

    Raises:
        InvalidOption: the folder is not a dataset, or one of another version of the format.
        CorruptFile: the file is damaged.
    """
    path = folder / INFO
    try:
        info = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidOption(f"{folder} is not a LeRobot dataset: it has no {INFO}") from error
    except (ValueError, OSError) as error:
        raise CorruptFile(f"{path}: {_reason(error)}") from error
    needed = ("codebase_version", "fps", "features", "total_episodes", "total_frames", "data_path")
    missing = [key for key in needed if not isinstance(info, dict) or key not in info]
    if missing:
        raise CorruptFile(f"{path}: {', '.join(missing)} missing")
    if info["codebase_version"] != VERSION:
        raise InvalidOption(f"{folder} has LeRobot format {info['codebase_version']}; accepted: {VERSION}")
    return dict(info)


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a parquet file, its checksums verified.

    Raises:
        CorruptFile: the file is missing, truncated or altered.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(columns)
    except (pa.ArrowException, OSError) as error:
        raise CorruptFile(f"{path}: {_reason(error)}") from error


def new_info(fps: int, features: Mapping[str, Any], robot_type: str) -> dict[str, Any]:
    """info.json of a dataset without episodes; `features` as info.json describes them."""
    return {
        "codebase_version": VERSION,
        "fps": fps,
        "features": dict(features),
        "total_episodes": 0,
        "total_frames": 0,
        "total_tasks": 0,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH if any(each["dtype"] == "video" for each in features.values()) else None,
        "robot_type": robot_type,
        "splits": {},
    }


def data_schema(features: Mapping[str, Feature]) -> pa.Schema:
    """Arrow schema of the data files, with the description that Hugging Face `datasets` looks for."""
    stored = {name: feature for name, feature in features.items() if feature.dtype != "video"}
    described = {name: _hugging_face_type(feature) for name, feature in stored.items()}
    metadata = {"huggingface": json.dumps({"info": {"features": described}})}
    return pa.schema([(name, _arrow_type(feature)) for name, feature in stored.items()], metadata)


def tasks_table(tasks: list[str]) -> pa.Table:
    """The tasks, as pandas reads a table whose index is the task's text."""
    columns = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"},
        {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"},
    ]
    label = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}
    description = {
        "index_columns": ["task"],
        "column_indexes": [{**label, "metadata": {"encoding": "UTF-8"}}],
        "columns": [{**column, "metadata": None} for column in columns],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.3.3",
    }
    schema = pa.schema(
        [("task_index", pa.int64()), ("task", pa.string())], {"pandas": json.dumps(description)}
    )
    return pa.table([list(range(len(tasks))), tasks], schema=schema)


def data_path(info: Mapping[str, Any], episode: Mapping[str, Any]) -> str:
    """Where the rows of an episode are, relative to the folder."""
    return str(info["data_path"]).format(
        chunk_index=episode["data/chunk_index"], file_index=episode["data/file_index"]
    )


def episodes_path(episode: Mapping[str, Any]) -> str:
    """Where the description of an episode is, relative to the folder."""
    return EPISODES_PATH.format(
        chunk_index=episode["meta/episodes/chunk_index"], file_index=episode["meta/episodes/file_index"]
    )


def video_path(info: Mapping[str, Any], episode: Mapping[str, Any], name: str) -> str:
    """Where the frames of an episode's video feature are, relative to the folder."""
    return str(info["video_path"]).format(
        video_key=name,
        chunk_index=episode[f"videos/{name}/chunk_index"],
        file_index=episode[f"videos/{name}/file_index"],
    )


def numpy_column(column: pa.ChunkedArray, feature: Feature) -> NDArray[Any]:
    """(T, D) numbers, or (T,) where D is 1."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_nested(array.type):
        array = array.flatten()
    values = array.to_numpy(zero_copy_only=False)
    return values if feature.shape == (1,) else values.reshape(-1, *feature.shape)


def _parse_features(path: Path, described: Mapping[str, Any]) -> dict[str, Feature]:
    try:
        return {
            name: Feature(each["dtype"], tuple(each["shape"]), each["names"] and tuple(each["names"]))
            for name, each in described.items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(f"{path}: features are not described as they should be ({error!r})") from error


def _load_tasks(path: Path) -> list[str]:
    table = read_table(path)
    order = np.argsort(table["task_index"].to_numpy())
    texts = table[next(name for name in table.column_names if name != "task_index")].to_pylist()
    return [str(texts[row]) for row in order]


def _arrow_type(feature: Feature) -> pa.DataType:
    if feature.dtype == "image":
        return IMAGE_TYPE
    value = pa.bool_() if feature.dtype == "bool" else pa.type_for_alias(feature.dtype)
    return value if feature.shape == (1,) else pa.list_(value, feature.shape[0])


def _hugging_face_type(feature: Feature) -> dict[str, Any]:
    if feature.dtype == "image":
        return {"_type": "Image"}
    value = {"dtype": feature.dtype, "_type": "Value"}
    return value if feature.shape == (1,) else {"feature": value, "length": feature.shape[0], "_type": "List"}


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    first = text[0] if text else type(error).__name__
    return "".join(character for character in first if character in string.printable)

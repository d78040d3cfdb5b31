"""H.264 video files that browsers play: written frame by frame, read back frame by frame."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption
from camshaft.perception.runs.durable_files import finish_file, named_disk_errors, temporary_name

CODEC = "libx264"
PIXEL_FORMAT = "yuv420p"
CONSTANT_RATE_FACTOR = 18
KEY_FRAME_INTERVAL = 10


class VideoWriter:
    """Writes one MP4 file; the file appears under its name when `close` has made it durable.

    B-frames are off, so that frames are stored in the order of their time stamps and any reader seeks exactly.
    The index stands at the start of the file, so that a browser plays it while it loads.

    Args:
        path: of the file to be.
        size: (height, width), both even: the pixel format stores color at half the resolution.
        fps: frames per second.
        rate_factor: x264's constant rate factor; lower is larger and better.
        key_frame_interval: frames; a random frame costs at most this many decodings.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: int,
        *,
        rate_factor: int = CONSTANT_RATE_FACTOR,
        key_frame_interval: int = KEY_FRAME_INTERVAL,
    ) -> None:
        height, width = size
        if height % 2 or width % 2:
            raise InvalidOption(
                f"{path.name}: video frames need an even height and width, got {height}×{width}"
            )
        self.path = path
        self.num_frames = 0
        self._temporary = temporary_name(path)
        with named_disk_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(
                str(self._temporary), "w", format="mp4", options={"movflags": "+faststart"}
            )
        options = {"crf": str(rate_factor), "preset": "veryfast"}
        stream: Any = self._container.add_stream(CODEC, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, PIXEL_FORMAT
        stream.codec_context.max_b_frames = 0
        stream.codec_context.gop_size = key_frame_interval
        self._stream = stream

    @property
    def num_bytes(self) -> int:
        """Size of what is on disk so far."""
        return self._temporary.stat().st_size if self._temporary.exists() else 0

    def add(self, frames: Iterable[NDArray[np.uint8]], new_scene: bool = False) -> None:
        """Append (H, W, 3) uint8 RGB frames; the first of a new scene is decoded without those before it."""
        for position, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts = self.num_frames
            if new_scene and position == 0:
                frame.pict_type = av.video.frame.PictureType.I
            self.num_frames += 1
            with named_disk_errors(self.path.parent):
                self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file and give it its name."""
        with named_disk_errors(self.path.parent):
            self._container.mux(self._stream.encode())
            self._container.close()
        finish_file(self._temporary, self.path)

    def discard(self) -> None:
        """Give up the file; nothing is left behind."""
        with contextlib.suppress(OSError, av.FFmpegError):
            self._container.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], fps: int) -> None:
    """Write (H, W, 3) uint8 RGB frames, all of one size, as an MP4 file; odd sizes lose their last row or column.

    Raises:
        InvalidOption: there are no frames.
        CamshaftError: the disk is full or cannot be written to.
    """
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise InvalidOption(f"{path.name}: a video needs at least one frame")
    height, width = first.shape[0] // 2 * 2, first.shape[1] // 2 * 2

    def cropped() -> Iterator[NDArray[np.uint8]]:
        yield first[:height, :width]
        for frame in iterator:
            yield frame[:height, :width]

    with named_disk_errors(path.parent), VideoWriter(path, (height, width), fps) as writer:
        writer.add(cropped())


def read_video(path: Path, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield frames [start, stop) of a video as (H, W, 3) uint8 RGB.

    Raises:
        CorruptFile: the file is missing, truncated or not a video.
    """
    try:
        with av.open(str(path)) as container:
            stream: Any = container.streams.video[0]
            frame_time = 1 / (stream.average_rate * stream.time_base)
            container.seek(int(start * frame_time), stream=stream, backward=True)
            position = start
            for frame in container.decode(stream):
                if round(frame.pts / frame_time) < start:  # type: ignore[operator]
                    continue
                if stop is not None and position >= stop:
                    return
                yield frame.to_ndarray(format="rgb24")  # type: ignore[misc]
                position += 1
    except (av.FFmpegError, OSError, IndexError, TypeError) as error:
        raise CorruptFile(f"{path}: not a complete video ({error})") from error
    if stop is not None and position < stop:
        raise CorruptFile(f"{path}: the video ends after {position} frames, {stop} were recorded")


def video_info(size: tuple[int, int], fps: int) -> dict[str, Any]:
    """What LeRobot's info.json says about a video of this module."""
    return {
        "video.height": size[0],
        "video.width": size[1],
        "video.codec": "h264",
        "video.pix_fmt": PIXEL_FORMAT,
        "video.fps": fps,
        "video.channels": 3,
        "has_audio": False,
        "is_depth_map": False,
        "video.g": KEY_FRAME_INTERVAL,
        "video.crf": CONSTANT_RATE_FACTOR,
    }

"""The result of a montage, still or animated: as an array, an image, a file or in a notebook."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np.images.encoders import GRAY, RGB, VOLUME, encode, formats_for


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture:
    """A picture made by a montage or figure. A notebook displays it.

    Attributes
    ----------
    array : (h, w), (h, w, 3) or (t, h, w) uint8, 0-255
        The pixels; ``np.asarray(picture)`` returns the same.
    animated : bool
        Whether the first axis is time.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import Picture
    >>> picture = Picture(np.zeros((28, 56), dtype=np.uint8))
    >>> picture.image.size
    (56, 28)
    """

    array: NDArray[np.uint8]
    animated: bool = False

    @property
    def kind(self) -> str:
        """Kind of the array, as defined in :mod:`medmnist_np.images.encoders`."""
        if self.animated:
            return VOLUME
        return RGB if self.array.ndim == 3 else GRAY

    @property
    def frames(self) -> Sequence[Any]:
        """The frames as :class:`PIL.Image.Image`; a still picture has one."""
        from PIL import Image

        return list(map(Image.fromarray, self.array if self.animated else [self.array]))

    @property
    def image(self) -> Any:
        """The picture as a :class:`PIL.Image.Image`; the middle frame if it is animated."""
        from PIL import Image

        return Image.fromarray(self.array[len(self.array) // 2] if self.animated else self.array)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file in the format of the file extension. An existing file is replaced.

        Parameters
        ----------
        path : path
            The extension is ``.png``, ``.jpg``, ``.tiff``, ``.gif``, ``.npy`` or, for gray pictures, ``.nii``. Animated
            pictures support the last four. Missing folders are created.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        ValueError
            If the path has no extension, or the format is unknown or cannot hold the picture.
        """
        path = Path(path).expanduser()
        if not path.suffix:
            raise ValueError(f"{path} has no file extension. Supported: {', '.join(formats_for(self.kind))}.")
        data = encode(self.array, path.suffix.lower().removeprefix("."), self.kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _files.in_one_step(path) as fresh:
            fresh.write_bytes(data)
        return path

    def data_uri(self) -> str:
        """Return a data URI that contains the picture as PNG or animated GIF."""
        name = "gif" if self.animated else "png"
        return f"data:image/{name};base64,{base64.b64encode(encode(self.array, name, self.kind)).decode('ascii')}"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.array, dtype=dtype, copy=copy) if copy else np.asarray(self.array, dtype=dtype)

    def __repr__(self) -> str:
        *frames, height, width = self.array.shape[:3] if self.animated else self.array.shape[:2]
        return f"<Picture of {width} x {height} pixels{f', {frames[0]} frames' if frames else ''}>"

    def _repr_html_(self) -> str:
        return f'<img alt="montage" style="image-rendering: pixelated; max-width: 100%" src="{self.data_uri()}">'

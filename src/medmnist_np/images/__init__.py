"""Arrays in, arrays out: pictures of a data set, arrays as the bytes of a file, and how images were prepared."""

from medmnist_np.images.encoders import FORMATS, encode
from medmnist_np.images.grid import choose
from medmnist_np.images.interpolation import RESAMPLERS, resize, resize_each, zoom
from medmnist_np.images.montages import VIEWS, draw, flatten, montage
from medmnist_np.images.overlays import class_colors, overlay
from medmnist_np.images.picture import Picture
from medmnist_np.images.recipes import Recipe, recipe
from medmnist_np.images.steps import (
    At,
    Binarise,
    CentreSlice,
    CropCentre,
    CropToShortEdge,
    ProjectMaximum,
    Resize,
    Window,
    Zoom,
)

__all__ = [
    "At",
    "Binarise",
    "CentreSlice",
    "CropCentre",
    "CropToShortEdge",
    "FORMATS",
    "Picture",
    "ProjectMaximum",
    "RESAMPLERS",
    "Recipe",
    "Resize",
    "VIEWS",
    "Window",
    "Zoom",
    "choose",
    "class_colors",
    "draw",
    "encode",
    "flatten",
    "montage",
    "overlay",
    "recipe",
    "resize",
    "resize_each",
    "zoom",
]

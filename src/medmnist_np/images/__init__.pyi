from .encoders import FORMATS, encode
from .grid import choose
from .interpolation import RESAMPLERS, resize, resize_each, zoom
from .montages import VIEWS, Picture, draw, flatten, montage
from .overlays import class_colors, overlay
from .recipes import (
    At,
    Binarise,
    CentreSlice,
    CropCentre,
    CropToShortEdge,
    ProjectMaximum,
    Recipe,
    Resize,
    Window,
    Zoom,
    recipe,
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

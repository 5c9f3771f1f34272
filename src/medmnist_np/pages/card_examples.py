"""A part of the card of a data set: some samples of each class, volumes slice by slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medmnist_np.pages.card_data import CardData
from medmnist_np.pages.markup import Html, element
from medmnist_np.pages.naming import things_of
from medmnist_np.reports.page import aside, figure, gallery, picture

_LEAST_PX = 300  # width of the picture of a class

# A slider moves the slices of its figure. Where this does not run it stays hidden, and the middle ones are shown.
SCRUBBER_SCRIPT = """
for (const scrubber of document.querySelectorAll(".scrubber")) {
  const slider = scrubber.querySelector("input");
  const show = () => {
    scrubber.style.setProperty("--at", slider.value);
    scrubber.querySelector("output").value = slider.value;
  };
  slider.addEventListener("input", show);
  slider.parentElement.hidden = false;
  show();
}
"""


def examples(data: CardData) -> list[Html]:
    """Return a picture for each class with some samples of it."""
    split, things, volumes = data.record.splits[0], things_of(data.record), data.record.ndim == 3
    shown = []
    for one in data.examples:
        if one.picture is None:
            shown.append(figure(Html(), one.title, f"none in {split}"))
            continue
        alt = f"{len(one.numbers)} {things} of {split}: {one.title}"
        drawn = _scrubber(one.picture, alt, one.title) if volumes else picture(one.picture, alt)
        shown.append(figure(drawn, one.title, f"{split} {', '.join(map(str, one.numbers))}"))
    content = [aside(f"{things.capitalize()} of {split} at size {data.size}, drawn at random, with their numbers.")]
    if data.record.target == "masks":
        content.append(
            aside(
                "Masks are drawn over them: a colour for each class, named below. Class 0 is not drawn. An image may "
                "show several classes."
            )
        )
    if volumes:
        depth, *_ = data.record.image_shape(data.size)
        first, last = element("code", "volume[0]"), element("code", f"volume[{depth - 1}]")
        where = ". How the axes lie in the body is not stated."
        content.append(aside("Slices across the first axis, ", first, " to ", last, where))
    return [*content, gallery(shown, width_px=_LEAST_PX)]


def _scrubber(slices: NDArray[np.uint8], alt: str, title: str) -> Html:
    """Return a window on a sheet with all slices, one below the other, and a slider that moves the sheet."""
    depth, height, width = slices.shape
    # The black line below each slice keeps the next one out where the browser rounds to whole pixels.
    sheet = np.pad(slices, ((0, 0), (0, 1), (0, 0))).reshape(depth * (height + 1), width)
    window = element(
        "div", picture(sheet, alt), class_="slices", style=f"--of: {depth}; aspect-ratio: {width} / {height}"
    )
    middle = depth // 2
    slider = element(
        "label",
        "Slice",
        element(
            "input",
            type="range",
            min="0",
            max=depth - 1,
            value=middle,
            autocomplete="off",
            aria_label=f"Slice of {title}",
        ),
        element("output", middle),
        hidden=True,
    )
    return element("div", window, slider, class_="scrubber", style=f"--at: {middle}")

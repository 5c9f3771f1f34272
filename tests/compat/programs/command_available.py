"""``python -m medmnist available`` and ``info``."""

import medmnist.__main__ as program

program.available()
program.info("breastmnist")
program.info(flag="organmnist3d")

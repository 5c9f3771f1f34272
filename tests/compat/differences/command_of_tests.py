"""The command `test` is missing. It is for the developers of the official package."""

import medmnist.__main__ as program

print(hasattr(program, "evaluate"), hasattr(program, "test"))
# Here it prints: True False
# There it prints: True True

"""Errors have the same types, but other messages. Only a damaged archive raises another type, a `RuntimeError`."""

import medmnist

caught = []
for error, arguments in [(ValueError, {"split": "dev"}), (AssertionError, {"split": "val", "size": 23})]:
    try:
        medmnist.BreastMNIST(**arguments)
    except error as raised:
        caught.append(str(raised) != "")
with open("breastmnist.npz", "wb") as file:
    file.write(b"no archive")
try:
    medmnist.BreastMNIST("val", root=".")
except (ValueError, RuntimeError) as raised:
    caught.append(isinstance(raised, RuntimeError))
print(*caught)
# Here it prints: True True True
# There it prints: False False False

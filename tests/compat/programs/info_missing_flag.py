"""A flag that does not exist is a KeyError of a dict."""

from medmnist import INFO

outcome = None
try:
    INFO["kidneymnist"]
except KeyError as error:
    outcome = error.args
assert INFO.get("kidneymnist") is None
assert "breastmnist" in INFO

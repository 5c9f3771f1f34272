"""Past the end there is an IndexError, which ends old-style loops."""

from medmnist import BreastMNIST

val = BreastMNIST("val")
outcome = "nothing"
try:
    val[len(val)]
except IndexError:
    outcome = "IndexError"
try:
    val[-len(val) - 1]
except IndexError:
    outcome += ", IndexError"

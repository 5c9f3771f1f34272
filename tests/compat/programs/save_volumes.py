"""Every volume to a GIF."""

from medmnist import AdrenalMNIST3D

answer = AdrenalMNIST3D("val").save("out")
caught = False
try:
    AdrenalMNIST3D("val").save("png", postfix="png")
except AssertionError:
    caught = True

"""Corrupted sets: ``computed``, ``storing`` (made once), ``published`` (as MedMNIST-C has them), ``augmenting``.

What a corruption does to an image stands in :mod:`medmnist_np.images.corruptions`; which there are, and how strong, in
:mod:`medmnist_np.registry.corruption_facts`.
"""

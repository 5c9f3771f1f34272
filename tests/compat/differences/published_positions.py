"""`positions`, `ids`, `groups`, `without` and `medmnist_np.interop.to_pandas`, which the official package does not
have, raise `ValueError` after you assigned `imgs`, because it is then unknown which published samples these are.
They also do after you assigned the `labels` of a part, and for an archive with other contents.
"""

import medmnist


def refused(dataset):
    """Return how many of the five are refused."""
    from medmnist_np.interop import to_pandas

    n_refused = 0
    for read in (
        lambda: dataset.positions,
        lambda: dataset.ids,
        lambda: dataset.groups,
        lambda: dataset.without({"train": [0]}),
        lambda: to_pandas(dataset),
    ):
        try:
            read()
        except ValueError:
            n_refused += 1
        except OSError:  # ids of this set have to be imported
            pass
    return n_refused


dataset = medmnist.BreastMNIST("train")
if hasattr(dataset, "positions"):
    part = dataset[2:]
    before = refused(dataset), refused(part)
    dataset.imgs = dataset.imgs[::-1]
    part.labels = 1 - part.labels
    print(*before, refused(dataset), refused(part))
else:
    print("no positions")
# Here it prints: 0 0 5 5
# There it prints: no positions

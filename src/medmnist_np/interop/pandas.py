"""Return labels and positions as a pandas table."""

from __future__ import annotations

from typing import Any

import numpy as np

from medmnist_np._optional import require
from medmnist_np._text import free_names
from medmnist_np.data.dataset import Dataset


def to_pandas(ds: Dataset) -> Any:
    """Return the labels of a data set as a table with one row for each sample. No image is read.

    Parameters
    ----------
    ds : Dataset
        The data set, or a selection from it.

    Returns
    -------
    pandas.DataFrame
        Its index is the position in ``ds``, so that ``ds[table.index[condition]]`` selects samples. The column
        ``position`` is the position in the arrays of the split (int64). The other columns are ``label`` (int64) and
        ``class_name`` (categorical), or in a multi-label set one bool column for each label. A label named ``position``
        becomes ``position_``.

    Raises
    ------
    ModuleNotFoundError
        If pandas is not installed.
    ValueError
        If the data set has a ``target_transform``, which would not be applied.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> from medmnist_np.interop import to_pandas
    >>> ds = mm.Dataset("breastmnist", split="test")
    >>> table = to_pandas(ds)  # doctest: +SKIP
    >>> malignant = ds[table.index[table["class_name"] == "malignant"]]  # doctest: +SKIP
    """
    ds.record.require_labels("to_pandas")
    if ds.target_transform is not None:
        raise ValueError(
            "to_pandas returns stored labels, but this data set has a target_transform. Create the data set without "
            "it, and transform the column of the table."
        )
    pandas = require("pandas")
    columns: dict[str, Any] = {"position": ds.positions.astype(np.int64)}
    if ds.record.multi_label:
        columns |= dict(zip(free_names(ds.class_names, columns), ds.labels.T.astype(bool), strict=True))
    else:
        numbers = ds.labels[:, 0].astype(np.int64)
        columns["label"] = numbers
        columns["class_name"] = pandas.Categorical.from_codes(numbers, categories=list(ds.class_names))
    return pandas.DataFrame(columns)

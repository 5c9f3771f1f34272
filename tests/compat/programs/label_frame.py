"""Labels as a pandas frame, with names."""

import pandas as pd
from medmnist import INFO, ChestMNIST, RetinaMNIST

names = INFO["chestmnist"]["label"]
findings = pd.DataFrame(ChestMNIST("train").labels, columns=list(names.values()))
totals = findings.sum().sort_values(kind="stable")
grades = pd.concat(
    [pd.DataFrame({"split": split, "grade": RetinaMNIST(split).labels[:, 0]}) for split in ("train", "val", "test")]
)
table = grades.groupby(["split", "grade"]).size().unstack()  # noqa: PD010

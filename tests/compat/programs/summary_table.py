"""A table of all sets, as a page of a thesis has it."""

import pandas as pd
from medmnist import INFO

rows = [
    {
        "flag": flag,
        "task": entry["task"],
        "classes": len(entry["label"]),
        "channels": entry["n_channels"],
        **entry["n_samples"],
        "total": sum(entry["n_samples"].values()),
    }
    for flag, entry in INFO.items()
]
table = pd.DataFrame(rows).set_index("flag")
table.to_csv("sets.csv")
per_task = table.groupby("task")["total"].sum()

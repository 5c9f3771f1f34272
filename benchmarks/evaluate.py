"""What evaluating a result file costs: the whole command, against `import numpy` and the official command.

    MEDMNIST_NP_TEST_DATA=<a folder of archives> python -m benchmarks.evaluate

The scores are random and of the test split of BreastMNIST; its labels are in the cache.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.measuring import OFFICIAL_PYTHON, elsewhere, heading, in_turn, process, process_rows

N_PAIRS = 31
N_OFFICIAL_PAIRS = 5

# The folder that the tests use.
TEST_DATA = os.environ.get("MEDMNIST_NP_TEST_DATA")


def make_result_file(folder: str) -> str:
    """Bring the data set into the cache, by adopting its archive, and return a result file."""
    import medmnist_np as mm

    evaluator = mm.Evaluator("breastmnist", "test")
    evaluator.evaluate(evaluator.get_dummy_prediction(), folder, "random")
    (file,) = Path(folder).glob("*@random.csv")
    return str(file)


def main() -> None:
    heading("Evaluating one result file of BreastMNIST, against `import numpy`")
    if TEST_DATA is None:
        print("\nNot measured; set MEDMNIST_NP_TEST_DATA to a folder of archives.")
        return
    with tempfile.TemporaryDirectory() as home:
        # Both programs then find the archive where the official one puts it, and write nothing anywhere else.
        for name in ("MEDMNIST_NP_CACHE", "XDG_CACHE_HOME"):
            os.environ.pop(name, None)
        os.environ["HOME"] = home
        official = Path(home, ".medmnist")
        official.mkdir()
        shutil.copy(Path(TEST_DATA, "medmnist", "breastmnist.npz"), official)
        file = elsewhere(make_result_file, home)

        command = ["-m", "medmnist_np", "evaluate", file]
        ours, numpy = in_turn(lambda: process(*command), lambda: process("-c", "import numpy"), N_PAIRS)
        process_rows("`medmnist-np evaluate FILE`", ours, numpy, at_most=4)
        if OFFICIAL_PYTHON is None:
            print("\nOfficial command: not measured; set MEDMNIST_OFFICIAL_PYTHON to an interpreter that has it.")
            return
        python = OFFICIAL_PYTHON
        ours, theirs = in_turn(
            lambda: process(*command),
            lambda: process("-m", "medmnist", "evaluate", f"--path={file}", python=python),
            N_OFFICIAL_PAIRS,
        )
        process_rows("against `python -m medmnist evaluate --path=FILE`", ours, theirs)


if __name__ == "__main__":
    main()

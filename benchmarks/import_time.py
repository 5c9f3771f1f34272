"""What importing costs: whole processes, against `import numpy`."""

from __future__ import annotations

from benchmarks.measuring import OFFICIAL_PYTHON, heading, in_turn, process, process_rows

N_PAIRS = 31
N_OFFICIAL_PAIRS = 5


def main() -> None:
    heading("Importing, against `import numpy`")
    # The face is lazy: the first row is what a program pays that imports and uses nothing, the second what one pays
    # that goes on to use it.
    for code, target in (("import medmnist_np", 1.15), ("import medmnist_np; medmnist_np.load", None)):
        ours, theirs = in_turn(lambda code=code: process("-c", code), lambda: process("-c", "import numpy"), N_PAIRS)
        process_rows(f"`{code}`", ours, theirs, at_most=target)
    if OFFICIAL_PYTHON is None:
        print("\n`import medmnist`: not measured; set MEDMNIST_OFFICIAL_PYTHON to an interpreter that has it.")
        return
    official, numpy = in_turn(
        lambda: process("-c", "import medmnist", python=OFFICIAL_PYTHON),
        lambda: process("-c", "import numpy", python=OFFICIAL_PYTHON),
        N_OFFICIAL_PAIRS,
    )
    process_rows("for comparison: `import medmnist`", official, numpy)


if __name__ == "__main__":
    main()

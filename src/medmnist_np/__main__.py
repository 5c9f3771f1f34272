"""``python -m medmnist_np`` is the program ``medmnist-np``."""

from medmnist_np.cli import main

if __name__ == "__main__":
    main(prog_name="medmnist-np")

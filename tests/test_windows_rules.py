"""Everything works under the file rules of Windows, as far as tests/windows_rules imitates them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

from medmnist_np.testing import make_archive, serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the rules read /proc")

REPOSITORY = Path(__file__).parents[1]


def under_the_rules(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the rules."""
    path = os.pathsep.join([str(REPOSITORY / "tests" / "windows_rules"), str(REPOSITORY)])
    return subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("os.unlink('open')", "WinError 32"),
        ("os.unlink('mapped.npy')", "WinError 32"),
        ("os.replace('other', 'open')", "WinError 32"),
        ("os.rename('folder', 'moved')", "WinError 32"),
        ("os.rename('other', 'closed')", "WinError 183"),
        ("os.replace('other', 'empty')", "WinError 5"),
        ("Path('CLOSED').touch()", "the same file as 'closed'"),
        ("Path('aux.txt').touch()", "WinError 123"),
        ("Path('what?').touch()", "WinError 123"),
        ("Path('dot.').mkdir()", "WinError 123"),
        ("Path('x' * 255).mkdir(); Path('x' * 255, 'y').touch()", "WinError 206"),
        ("os.pread", "AttributeError"),
        ("os.unlink('closed')", ""),
        ("os.replace('other', 'closed')", ""),
        ("Path('console').touch()", ""),
    ],
)
def test_the_rules_are_those_of_windows(tmp_path: Path, change: str, refused: str) -> None:
    script = tmp_path / "tests" / "script.py"
    script.parent.mkdir()
    script.write_text(
        dedent(f"""
            import os
            from pathlib import Path
            import numpy as np

            for name in ("open", "closed", "other"):
                Path(name).touch()
            for name in ("folder", "empty"):
                Path(name).mkdir()
            np.save("mapped.npy", np.zeros(9))
            mapped = np.load("mapped.npy", mmap_mode="r")
            with open("open"), open(Path("folder", "inside"), "w"):
                {change}
        """)
    )
    done = under_the_rules(str(script), folder=tmp_path)
    assert refused in done.stderr
    assert bool(refused) == bool(done.returncode)


@pytest.fixture
def archives(tmp_path: Path) -> Iterator[Path]:
    """A folder with the archive of BreastMNIST and images of two classes."""
    folder = tmp_path / "archives"
    folder.mkdir()
    make_archive(folder, "breastmnist")
    random = np.random.default_rng(0)
    for name in ("scans/a", "scans/b"):
        (tmp_path / name).mkdir(parents=True)
        for number in range(9):
            image = random.integers(0, 255, (40, 40), np.uint8)
            Image.fromarray(image).save(tmp_path / name / f"{number}.png")
    return folder


FLOWS = [
    ["fetch", "breastmnist", "--split", "test"],
    ["fetch", "breastmnist", "--keep-archive"],
    ["verify", "breastmnist"],
    ["import", "archives/breastmnist.npz"],
    ["montage", "breastmnist", "--output", "montage.png"],
    ["save", "breastmnist", "files", "--split", "test"],
    ["card", "breastmnist", "--output", "card.html"],
    ["audit", "breastmnist", "--output", "audit.html"],
    ["audit", "archives/breastmnist.npz"],
    ["build", "scans"],
    ["corrupt", "breastmnist", "--kind", "pixelate"],
    ["cache"],
    ["clean", "--yes"],
    ["clean", "--all", "--yes"],
]


def test_commands_work_one_after_the_other(tmp_path: Path, archives: Path) -> None:
    program = tmp_path / "program.py"
    with serve(archives) as url:
        program.write_text(
            dedent(f"""
                import json
                from pathlib import Path
                from click.testing import CliRunner
                from medmnist_np.cli import main
                from medmnist_np.registry import registered
                from medmnist_np.testing import make_archive

                if __name__ == "__main__":
                    Path("again").mkdir()
                    with registered(make_archive("again", "breastmnist", base_url={url!r})):
                        results = [CliRunner().invoke(main, arguments) for arguments in {FLOWS!r}]
                    print(json.dumps([result.output if result.exit_code else "" for result in results]))
            """)
        )
        done = under_the_rules(str(program), folder=tmp_path)
    assert done.stderr == ""
    messages = json.loads(done.stdout)
    assert [message for message in zip(FLOWS, messages, strict=True) if message[1]] == []

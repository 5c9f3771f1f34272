"""A headless Chromium that tests drive by its DevTools protocol, over two pipes and with the standard library alone."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers have none
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# It takes commands from descriptor 3 and gives answers to 4.
_EXEC = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
_KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Home": 36, "Tab": 9}  # as Windows numbers them
_ANSWER_WITHIN_S = 60.0
_QUIET_S = 0.2  # nothing more is expected of a page after this

# Widths that pages are looked at in.
PHONE_PX, DESK_PX = 390, 1280

# The lowest contrast of all text on the page with what is behind it, by the formula of WCAG 2; and that text.
LOWEST_CONTRAST = """
(() => {
  const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const paint = colours => {
    pixel.clearRect(0, 0, 1, 1);
    for (const colour of colours) { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1); }
    return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3).map(level => level / 255);
  };
  const luminance = rgb => rgb
    .map(level => level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4)
    .reduce((sum, level, k) => sum + level * [0.2126, 0.7152, 0.0722][k], 0);
  let lowest = [Infinity, ""];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join("").trim();
    if (!own) continue;
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [light, dark] = [luminance(paint(behind)), luminance(paint([...behind, ink]))].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < lowest[0]) lowest = [contrast, own];
  }
  return lowest;
})()
"""


class Browser:
    """One tab. Start it with :func:`browser`.

    Attributes
    ----------
    complaints : list of str
        What stands in the console: errors, warnings and what the page's own policy forbade.
    requests : list of str
        The addresses that were asked for since the last page was opened.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._received = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self.show(width=1280)

    def open(self, page: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.complaints.clear()
        self.requests.clear()
        loaded = self._call("Page.navigate", url=page.as_uri())
        assert "errorText" not in loaded, loaded
        deadline = time.monotonic() + _ANSWER_WITHIN_S
        while self.evaluate("document.readyState") != "complete":
            assert time.monotonic() < deadline, f"{page} does not load"
        with suppress(TimeoutError):
            while True:
                self._note(self._receive(_QUIET_S))

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, as JSON has it."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go, by its name in JavaScript, as ``"ArrowRight"``."""
        for event in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=event, key=key, code=key, windowsVirtualKeyCode=_KEYS[key])

    def show(self, *, width: int, height: int = 900, dark: bool = False, paper: bool = False) -> None:
        """Set the size of the window in px, and whether the reader likes it dark, or prints."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media="print" if paper else "screen", features=[scheme])

    def screenshot(self, file: Path) -> None:
        """Write the whole page as PNG."""
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(b64decode(answer["data"]))

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive(_ANSWER_WITHIN_S)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _receive(self, within_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while b"\0" not in self._received:
            readable, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise TimeoutError(f"Chromium said nothing within {within_s:g} s")
            part = os.read(self._from, 1 << 16)
            assert part, "Chromium has gone"
            self._received += part
        message, _, self._received = self._received.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def _note(self, event: Mapping[str, Any]) -> None:
        about = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled" if about["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(about["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(about["exceptionDetails"]))
            case "Log.entryAdded" if about["entry"]["level"] in ("error", "warning"):
                self.complaints.append(about["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(about["request"]["url"])


def _pipe() -> tuple[int, int]:
    """Return a pipe whose descriptors are not among the first ten, where Chromium's have to be put."""
    low = os.pipe()
    read, write = (fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in low)
    for one in low:
        os.close(one)
    return read, write


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser whose files lie in a folder; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("needs Chromium, and there is none: apt-get install chromium")
    home = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    commands_out, commands_in = _pipe()
    answers_out, answers_in = _pipe()
    flags = (*_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank")
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _EXEC, str(commands_out), str(answers_in), program, *flags],
        pass_fds=(commands_out, answers_in),
        env=os.environ | home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands_out)
    os.close(answers_in)
    try:
        yield Browser(commands_in, answers_out)
    finally:
        os.close(commands_in)  # it leaves when nobody commands it any more
        os.close(answers_out)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

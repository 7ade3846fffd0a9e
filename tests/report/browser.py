"""A small driver of Chromium over its debugging pipe, so that tests see a page as a reader does."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


def find_browser() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """A tab of the browser: calls of the debugging protocol, and every event that came in between."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self.to_browser, self.from_browser = to_browser, from_browser
        self.buffer, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a call."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def attach(self, width: int, height: int) -> None:
        """Open a tab of some size and listen to its console, its exceptions and its requests."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, path: Path, *, until: str = "true", seconds: float = 20.0) -> float:
        """Load a file and wait until an expression holds; return how long that took."""
        start = time.monotonic()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not self.run(f"document.readyState === 'complete' && !!({until})"):
            assert time.monotonic() - start < seconds, f"the page did not get ready: {self.complaints()}"
            time.sleep(0.02)
        return time.monotonic() - start

    def run(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def complaints(self) -> list[str]:
        """Return errors and warnings of the console, exceptions, and dialogs."""
        said = []
        for event in self.events:
            method, values = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown" or method == "Page.javascriptDialogOpening":
                said.append(json.dumps(values))
            if method == "Log.entryAdded" and values["entry"]["level"] in {"error", "warning"}:
                said.append(values["entry"]["text"])
            if method == "Runtime.consoleAPICalled" and values["type"] in {"error", "warning", "assert"}:
                said.append(json.dumps(values["args"]))
        return said

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            part = os.read(self.from_browser, 1 << 20)
            assert part, "the browser ended"
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\0", 1)
        return dict(json.loads(line))


@contextmanager
def open_browser(program: str, profile: Path, *, width: int = 1400, height: int = 1000) -> Iterator[Page]:
    """Yield a page in a browser of its own, which is ended afterwards."""
    from_us, to_browser = _pipe()
    from_browser, to_us = _pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
        (os.POSIX_SPAWN_DUP2, from_us, 3),
        (os.POSIX_SPAWN_DUP2, to_us, 4),
    ]
    command = [program, *OPTIONS, f"--user-data-dir={profile}"]
    process = os.posix_spawn(program, command, dict(os.environ), file_actions=actions)
    os.close(from_us)
    os.close(to_us)
    try:
        page = Page(to_browser, from_browser)
        page.attach(width, height)
        yield page
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
        os.close(to_browser)
        os.close(from_browser)


def _pipe() -> tuple[int, int]:
    """Return the ends of a pipe, above the numbers that the browser expects its own ends to have."""
    low = os.pipe()
    reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return reading, writing

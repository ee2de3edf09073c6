"""A headless browser, driven over its debugging pipe: JSON that ends with a zero byte, on the descriptors 3 and 4.

No driver and no library is needed, and no port is opened. Every wait has an end.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

SECONDS_MAX = 60
# By Debian, by others; headless shells first, as they bring fewer packages.
NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]


def find():
    """The path of a browser: the variable PITCREW_BROWSER, or the first of the known names."""
    named = os.environ.get("PITCREW_BROWSER")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def above(descriptor):
    """The same descriptor under a number above 9."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return copy


class BrowserError(Exception):
    """The browser refused a command, or did not answer."""


class Browser:
    """One process; a page is opened in a tab of its own by `open`."""

    def __init__(self, path, folder):
        # Above 9, so that putting them on 3 and 4 covers neither of them.
        reads, self._out, self._in, writes = map(above, (*os.pipe(), *os.pipe()))
        flags = ["--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                 "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={folder}", "about:blank"]
        if os.geteuid() == 0:
            flags.insert(0, "--no-sandbox")  # Chromium's sandbox does not start for root.

        def connect():
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        # Whatever else is open here closes by itself when the browser starts; only what `connect` makes does not.
        self._process = subprocess.Popen([path, *flags], close_fds=False, preexec_fn=connect, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(reads)
        os.close(writes)
        self._buffer, self._last, self.events = b"", 0, []

    def close(self):
        self._process.kill()
        self._process.wait(SECONDS_MAX)
        os.close(self._in)
        os.close(self._out)

    def _message(self, until):
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0, until - time.monotonic()))[0]:
                raise BrowserError(f"no answer within {SECONDS_MAX} s")
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise BrowserError(f"the browser ended (exit code {self._process.wait(SECONDS_MAX)})")
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        """Sends a command and returns its answer; what happens meanwhile is kept in `events`."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        until = time.monotonic() + SECONDS_MAX
        while True:
            message = self._message(until)
            if message.get("id") == self._last:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def until(self, method, session):
        """Waits for an event of a tab."""
        end = time.monotonic() + SECONDS_MAX
        while not any(event.get("method") == method and event.get("sessionId") == session for event in self.events):
            self.events.append(self._message(end))

    def open(self, path, width=1280, height=900, dark=False, scripts=True, medium="", still=False, at=""):
        """Opens a file as a screen of this size shows it, or the medium "print"; `still` is for those whom motion makes ill."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session, target)
        for domain in ["Page", "Runtime", "Log", "Network"]:
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce" if still else ""}
        tab.call("Emulation.setEmulatedMedia", media=medium,
                 features=[{"name": name, "value": value} for name, value in features.items()])
        tab.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        tab.call("Page.navigate", url=path.as_uri() + at)
        self.until("Page.loadEventFired", session)
        return tab


class Tab:
    """A page that was opened."""

    def __init__(self, browser, session, target):
        self._browser, self._session, self._target = browser, session, target

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)

    def value(self, expression):
        """What an expression gives in the page, once every promise in it is kept."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise BrowserError(answer["exceptionDetails"]["exception"].get("description", "an exception"))
        return answer["result"].get("value")

    def press(self, key, code):
        """Presses a key and lets it go."""
        for kind in ["rawKeyDown", "char", "keyUp"]:
            text = {"text": "\r"} if kind == "char" and key == "Enter" else {}
            if kind != "char" or text:
                self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def _events(self, method):
        return [event["params"] for event in self._browser.events
                if event.get("method") == method and event.get("sessionId") == self._session]

    def complaints(self):
        """What the console shows: errors and warnings, of the page's scripts and of the browser."""
        entries = [event["entry"] for event in self._events("Log.entryAdded")]
        thrown = [event["exceptionDetails"]["text"] for event in self._events("Runtime.exceptionThrown")]
        said = [event["type"] for event in self._events("Runtime.consoleAPICalled")]
        return [entry["text"] for entry in entries if entry["level"] in ("error", "warning")] + thrown + said

    def requests(self):
        """Every address that was asked for."""
        return [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]

    def screenshot(self, path, whole=True):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                         **({"clip": self._whole()} if whole else {}))
        path.write_bytes(base64.b64decode(shot["data"]))

    def _whole(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

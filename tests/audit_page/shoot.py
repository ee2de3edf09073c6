"""Makes the picture of the documents: `.venv/bin/python tests/audit_page/shoot.py docs/audit.png`."""

import sys
import tempfile
from pathlib import Path

import browser
from conftest import make


def main(out):
    path = browser.find() or sys.exit(f"no browser was found (PITCREW_BROWSER, or one of {', '.join(browser.NAMES)})")
    # The browser's processes may write into its profile for a moment after the first of them has ended.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = make(Path(folder) / "audit.html")
        started = browser.Browser(path, folder)
        try:
            started.open(page, width=1000, height=1240).screenshot(out, whole=False)
        finally:
            started.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: shoot.py OUT.png")
    main(Path(sys.argv[1]))

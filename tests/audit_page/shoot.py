"""Makes the picture of the documents, the page from its top to the end of the trend:
`.venv/bin/python tests/audit_page/shoot.py docs/audit.png`.
"""

import sys
import tempfile
from pathlib import Path

import browser
from conftest import make


WIDTH = 1000


def main(out):
    path = browser.find() or sys.exit(f"no browser was found (PITCREW_BROWSER, or one of {', '.join(browser.NAMES)})")
    # The browser's processes may write into its profile for a moment after the first of them has ended.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = make(Path(folder) / "audit.html")
        started = browser.Browser(path, folder)
        try:
            end = "Math.ceil(document.getElementById('trend').closest('section').getBoundingClientRect().bottom) + 16"
            height = started.open(page, width=WIDTH).value(end)
            started.open(page, width=WIDTH, height=height).screenshot(out, whole=False)
        finally:
            started.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: shoot.py OUT.png")
    main(Path(sys.argv[1]))

"""Debian's chromium without a screen, or the one `CHROMIUM` names."""

import os
import shutil
from typing import Final

from playwright.sync_api import Browser, Playwright

CHROMIUM: Final = os.environ.get("CHROMIUM") or shutil.which("chromium")


def launched(playwright: Playwright, *arguments: str) -> Browser:
    """A browser that rasters in software."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu", *arguments]
    )

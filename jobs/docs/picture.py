"""The picture of a report that the first pages show: `make picture` takes it of the demo's.

Takes a Chromium, without a window. The picture has few colours, so that it stays small.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from thresher.jobs.docs.pages import FOLDER

PICTURE = FOLDER / "report.png"
MOST_BYTES = 200_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _HEIGHT, _SCALE = 1060, 1060, 1.5
_COLOURS = 48


def take(report: Path) -> bytes:
    """The top of a report, as the bytes of a PNG file.

    Raises:
        FileNotFoundError: without a browser.
        subprocess.CalledProcessError: if it takes no picture.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise FileNotFoundError(f"This takes one of {', '.join(_BROWSERS)} on the PATH.")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={folder}", f"--window-size={_WIDTH},{_HEIGHT}"),
            *(f"--force-device-scale-factor={_SCALE}", f"--screenshot={shot}"),
            report.resolve().as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - no shell
        return small(shot.read_bytes())


def small(png: bytes) -> bytes:
    """The same picture in few colours."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        made = io.BytesIO()
        few = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(made, format="PNG", optimize=True)
    return made.getvalue()


if __name__ == "__main__":
    picture = take(Path(sys.argv[1]))
    if len(picture) >= MOST_BYTES:
        sys.exit(f"The picture has {len(picture):,} bytes, more than {MOST_BYTES:,}.")
    PICTURE.write_bytes(picture)
    sys.stdout.write(f"{PICTURE}: {len(picture):,} bytes\n")

"""Draws docs/images/demo.svg: what the demo prints, recorded from a real run. `python -m demo.capture`"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from demo.__main__ import run
from demo.place import default_folder

_PICTURE = Path(__file__).parent.parent / "docs" / "images" / "demo.svg"
_PORT = 8377
_WIDTH = 112
# The format's own fonts would be fetched from elsewhere; a picture shouldn't.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> int:
    """Run the demo once and draw what it printed; the demo's own status."""
    console = Console(record=True, file=io.StringIO(), width=_WIDTH, color_system="truecolor", highlight=False)
    status = run(console, _PORT, default_folder(), once=True)
    drawn = console.export_svg(title="make demo", theme=DIMMED_MONOKAI, code_format=_FORMAT, unique_id="demo")
    _PICTURE.parent.mkdir(exist_ok=True)
    _PICTURE.write_text("\n".join(line.rstrip() for line in drawn.splitlines()) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())

"""The picture of a terminal in the README: the tool's own output, drawn by rich.

``python -m tests.terminal_picture docs/add.svg`` makes it anew.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = ("add", "SimAM", "--after", "SPPF")
WIDTH = 90

#: rich's own, without the fonts that it fetches from a server.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "Fira Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def picture() -> str:
    """The SVG of what the command prints in an empty folder."""
    from yamlinject.cli.app import run

    before, stream, folder = sys.stderr, _Terminal(), Path.cwd()
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        sys.stderr = stream
        try:
            assert run(COMMAND) == 0
        finally:
            sys.stderr = before
            os.chdir(folder)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor")
    console.print(Text.assemble(("$ ", "green"), f"yamlinject {' '.join(COMMAND)}"))
    console.print(Text.from_ansi(stream.getvalue()))
    svg = console.export_svg(title="", code_format=_FORMAT, unique_id="add")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(), encoding="utf-8", newline="\n")

"""One self-contained HTML page: text, tables and pictures, no network, no script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
figure { margin: 1.5rem 0; } figcaption { opacity: 0.75; font-size: 0.9rem; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
pre { background: var(--soft); padding: 0.8rem; overflow-x: auto; border-radius: 4px; }
ul { padding-left: 1.2rem; }
.PASS { color: light-dark(#00703c, #3fb950); font-weight: bold; }
.FAIL, .MISTRUSTED { color: light-dark(#c4141f, #ff7b72); font-weight: bold; }
"""


@dataclass
class Page:
    """A page that grows from top to bottom.

    Attributes:
        title: heading of the page.
        parts: its HTML so far.
    """

    title: str
    parts: list[str] = field(default_factory=list)

    def section(self, heading: str, text: str = "") -> None:
        """Begin a section."""
        self.parts.append(f"<h2>{escape(heading)}</h2>")
        if text:
            self.text(text)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.parts.append(f"<p>{escape(text)}</p>")

    def items(self, texts: Sequence[str]) -> None:
        """Add a list."""
        self.parts.append(f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>")

    def verdict(self, passed: bool, text: str) -> None:
        """Add what it all amounts to."""
        word = "PASS" if passed else "FAIL"
        self.parts.append(f'<p><span class="{word}">{word}</span> {escape(text)}</p>')

    def code(self, text: str) -> None:
        """Add lines to copy."""
        self.parts.append(f"<pre>{escape(text)}</pre>")

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table, which scrolls in its own box where the page is narrow."""
        head = "".join(f"<th>{escape(name)}</th>" for name in headers)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        self.parts.append(
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def picture(self, path: Path, caption: str) -> None:
        """Add a PNG file, inlined."""
        data = base64.b64encode(path.read_bytes()).decode()
        self.parts.append(
            f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def html(self) -> str:
        """Return the page."""
        title = escape(self.title)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{STYLE}</style></head>"
            f"<body><h1>{title}</h1>\n" + "\n".join(self.parts) + "\n</body></html>\n"
        )


def _cell(value: str) -> str:
    kind = f' class="{value}"' if value in ("PASS", "FAIL", "MISTRUSTED") else ""
    return f"<td{kind}>{escape(value)}</td>"

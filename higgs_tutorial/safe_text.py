"""Words of strangers, from files and libraries' messages, as one line that a terminal can show."""

from __future__ import annotations

import re


def one_line(text: object, limit: int = 200) -> str:
    r"""Return ``text`` without control characters and line breaks, which are written out, and not too long.

    >>> one_line("a\nb\x1b[31mc")
    'a\\nb\\x1b[31mc'
    """
    shown = str(text)
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"


def in_markdown(text: object) -> str:
    r"""Return ``text`` so that Markdown, in a table too, and the HTML made from it show it as it is.

    >>> in_markdown("a|b <b>$x$</b>")
    'a\\|b \\<b\\>\\$x\\$\\</b\\>'
    """
    return re.sub(r"([\\`*_{}\[\]<>#|$~&!])", r"\\\1", one_line(text))

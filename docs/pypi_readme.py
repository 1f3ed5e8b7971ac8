"""The README of a package index, made while a package is built: there, links to files of the repository lead nowhere.

Hatchling, the build backend, calls the hook, as pyproject.toml asks it to. The links get the repository's address from
`[project.urls]`, the only place where it stands.
"""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

CODE = r"```.*?```|`[^`]+`"
LINK = r"(?P<picture>!?)\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^)\s]+)\)"
BADGES = re.compile(r"<!-- badges -->.*?<!-- end of badges -->\n*", re.DOTALL)


def absolute(readme: str, repository: str | None) -> str:
    """Return a README whose links and pictures lead to `repository`'s files, wherever it is read.

    Without an address, links to files become their words, and pictures and badges are left out.
    """
    if repository is None:
        readme = BADGES.sub("", readme)

    def lead(found: re.Match) -> str:
        target = found["target"]
        if target is None or target.startswith("#"):
            return found[0]  # code, or a place in the same text
        label = absolute(found["label"], repository)  # a link's words may be a picture
        if target.startswith(("https://", "http://")):
            return f"{found['picture']}[{label}]({target})"
        if repository is None:
            return "" if found["picture"] else label
        form = "raw" if found["picture"] else "blob"
        return f"{found['picture']}[{label}]({repository}/{form}/main/{target})"

    return re.sub(f"{CODE}|{LINK}", lead, readme, flags=re.DOTALL)


class ReadmeHook(MetadataHookInterface):
    """Puts the README, with absolute links, into a package's metadata."""

    def update(self, metadata: dict) -> None:
        """Add the field `readme`."""
        repository = metadata.get("urls", {}).get("Repository")
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = absolute(text, repository and repository.rstrip("/"))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}

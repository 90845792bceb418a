"""The pages of the site, some made of files elsewhere: its front page of the README, one of each rule."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FRONT = {"README.md": "index.md", "README.zh-CN.md": "index.zh.md"}

#: Links to files that are no page of the site: their text stays.
_ELSEWHERE = re.compile(r"\[([^]]*)\]\((?:\.\./)?(?:templates/ci|CONTRIBUTING|CHANGELOG|README)[^)]*\)")
_folder = tempfile.TemporaryDirectory()


def on_config(config: Any) -> Any:
    """Build from a copy of the folder with all pages in it: plugins want files."""
    pages = Path(_folder.name) / "docs"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("__pycache__"))
    for readme, name in FRONT.items():
        text = (ROOT / readme).read_text(encoding="utf-8").partition("\n")[2]  # without the languages
        text = re.sub(r"(\]\(|\")docs/", r"\1", text)
        (pages / name).write_text(text.lstrip(), encoding="utf-8")
    _add_rules(pages / "rules")
    for page in pages.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        text = re.sub(r"\]\(\.\./templates/rules/?\)", "](rules/index.md)", text)
        text = text.replace("](../templates/rules/", "](rules/").replace(".zh.md)", ".md)")
        page.write_text(_ELSEWHERE.sub(r"\1", text), encoding="utf-8")
    config.docs_dir = str(pages)
    return config


def _add_rules(folder: Path) -> None:
    rows = []
    folder.mkdir()
    for path in sorted((ROOT / "templates" / "rules").glob("*.md")):
        shutil.copy(path, folder)
        code, _, name = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ").partition(" ")
        rows.append(f"| [{code}]({path.name}) | {name} |")
    table = "\n".join(["# The rules of check", "", "| code | name |", "|---|---|", *rows, ""])
    (folder / "index.md").write_text(table, encoding="utf-8")
    chinese = (ROOT / "docs" / "check.zh.md").read_text(encoding="utf-8").partition("\n## 有哪些规则\n")[2]
    chinese = chinese.replace("](../templates/rules/", "](")
    (folder / "index.zh.md").write_text(f"# 检查规则\n{chinese}", encoding="utf-8")


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Leave out what a browser would ask a server for, so that pages also open from the file system."""
    up = "../" * page.url.count("/")
    output = output.replace(_SHIM, f'<script src="{up}file-worker.js"></script>')
    return _LANGUAGE.sub("", output)


#: What lets the search run without a server, fetched from one.
_SHIM = '<script src="https://unpkg.com/iframe-worker/shim"></script>'
#: For these the theme asks for a sitemap, to find the pages of another language; its menu has them.
_LANGUAGE = re.compile(r'<link rel="alternate"[^>]*>')


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """The page for what is not found has the same."""
    return _LANGUAGE.sub("", output_content.replace(_SHIM, ""))

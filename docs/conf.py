"""Sphinx's settings; `docs/build.py` gathers the pages and runs it."""

import os
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))  # of the extensions that are ours
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
ADDRESS = PROJECT["urls"].get("Documentation", "")  # where the site is published, if it is

project = PROJECT["name"]
author = PROJECT["authors"][0]["name"]
copyright = author
version = release = PROJECT["version"]
language = "en"  # British in the text; the theme's own words have no complete en_GB translation

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxext.opengraph",
    "code_links",
    "site_links",
    "site_tables",
    "search_texts",
]
root_doc = "index"
exclude_patterns = ["_originals"]
default_role = "code"

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
mathjax3_config = {"chtml": {"displayAlign": "center"}}

copybutton_selector = "div.highlight pre:not(.cell_output pre)"
copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor what a command printed

repository = REPOSITORY  # of our extension
html_baseurl = ogp_site_url = ADDRESS
ogp_site_name = project
ogp_image = "_static/card.png"
ogp_image_alt = "The ladder at the talk's size: the AUC of each rung beside the talk's"
ogp_description_length = 160

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_default_options = {"exclude-members": "set_fit_request, set_predict_request, set_score_request"}

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
templates_path = ["_templates"]
html_sidebars = {"**": ["site-logo.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_logo = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": "main",
    "path_to_docs": "",
    "use_repository_button": True,
    "use_download_button": False,
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
    },
    "logo": {"text": project, "alt_text": "Logo"},
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

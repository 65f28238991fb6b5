"""How Sphinx makes the site; ``python -m sphinx -W -b html docs build/docs``."""

project = "haz-trio"
extensions = ["myst_parser", "sphinx.ext.graphviz"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = "haz-trio"
html_copy_source = False
html_show_sourcelink = False
graphviz_output_format = "svg"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nitpicky = True
exclude_patterns = ["haz.1"]

"""How Sphinx makes the site of these pages; `make site` runs it."""

project = "Thresher"
copyright = "The Thresher authors"
extensions = ["myst_parser"]
myst_heading_anchors = 3
highlight_language = "text"
html_theme = "furo"
html_title = "Thresher"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]

"""The catalogue: what a person and a machine read of a repository, as static files.

`site.py` is the whole story.  Templates hold the pages' text, the modules here compute values, and
every text of a stranger passes `html.py`.
"""

from nipack.publish.catalogue.site import ahead, is_stored, missing, own, render

__all__ = ["ahead", "is_stored", "missing", "own", "render"]

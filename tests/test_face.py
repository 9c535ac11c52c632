"""What somebody sees who looks at the package from Python."""

import pydoc
import re
import subprocess
import sys

import nipack


def test_help_shows_the_functions() -> None:
    said = pydoc.render_doc(nipack, renderer=pydoc.TextDoc())
    for name in nipack.__all__:
        assert name in dir(nipack)
        if name != "__version__":
            assert f"{name}(" in re.sub("(.)\x08\\1", r"\1", said)


def test_to_look_at_it_loads_nothing() -> None:
    program = (
        "import sys, nipack; before = set(sys.modules); dir(nipack); "
        "print(set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"

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


def test_what_is_not_asked_of_libraries_loads_nothing_of_them() -> None:
    program = (
        "import sys, nipack, nipack.cli.answers; nipack.explain('nipy/templates'); "
        "print([name for name in sys.modules if name.startswith('nipack.libraries')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"

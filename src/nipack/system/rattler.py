"""rattler-build as a program: `build` is what a process of its own runs.

In the process of `nipack` itself nothing could interrupt it, what a recipe's script printed would
be lost, and the memory that a package took would be kept.
"""

import importlib.util
import logging
import sys
from pathlib import Path

from nipack.system.programs import Program

RATTLER_BUILD = Program(
    name="rattler-build",
    package="pip install py-rattler-build",
    start=(
        sys.executable,
        "-c",
        f"import sys; from {__name__} import build; sys.exit(build(*sys.argv[1:]))",
    ),
)

# The tests that are in the package, in the recipe's order; that of the contents is of the build.
_TESTS = ("digests", "look-up")

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Tell whether this Python has rattler-build."""
    return importlib.util.find_spec("rattler_build") is not None


def build(recipe: str, output: str, level: str, *channels: str) -> str | None:
    """Build a recipe.yaml without any channel, and run its tests; return why it failed.

    Without channels, the test of the look-up is not run: it needs nibabel from one.  All that is
    printed is the log.
    """
    import rattler_build
    from rattler_build.progress import LogEvent, SimpleProgressCallback

    class Logged(SimpleProgressCallback):
        def on_log(self, event: LogEvent) -> None:
            log.info("%s", event.message.rstrip())

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    target, logged = Path(output), Logged()
    try:
        # Rendered with no index of a channel at hand, it must not look for one.
        results = rattler_build.Stage0Recipe.from_file(recipe).run_build(
            output_dir=target,
            channels=[],
            package_format=f"conda:{level}",
            progress_callback=logged,
        )
        for result in results:
            package = rattler_build.Package.from_file(result.packages[0])
            for index, name in enumerate(_TESTS[: package.test_count] if channels else _TESTS[:1]):
                tested = package.run_test(
                    index, channel=[target.as_uri(), *channels], progress_callback=logged
                )
                if not tested.success:
                    return f"the recipe's test of the {name} of {package.name} failed"
    except rattler_build.RattlerBuildError as error:
        return str(error)
    return None

#!/usr/bin/env python3
"""Let eight publishers publish at once, round after round, wherever a repository may lie.

It fails where a package of any publisher is missing from any index, or a signature is not good.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.publish.at_once import rounds_at_once
from tests.publish.servers import PLACES
from tests.publish.serving import PUBLISHERS, made_by_each, made_key


def main() -> None:
    """Run the rounds, and print a line for each place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", metavar="PLACE", default=[],
                        help=f"some of {', '.join(PLACES)}; all by default")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if unknown := {*options.places} - {*PLACES}:
        parser.error(f"{', '.join(sorted(unknown))}: is not one of {', '.join(PLACES)}")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        key, publishers = made_key(work / "lab.key"), made_by_each(work / "made")
        print(f"{PUBLISHERS} publishers at once, {options.rounds} rounds")
        for place in options.places or PLACES:
            (work / place).mkdir()
            start = time.monotonic()
            with PLACES[place](work / place) as there:
                os.environ.update(there.environment)
                done = rounds_at_once(there.address, publishers, key, options.rounds, work / place)
            print(
                f"{place:10} {done.artifacts} artifacts, {done.generations} generations, "
                f"{done.files} files checked, nothing lost; median "
                f"{statistics.median(done.seconds):.1f} s a round, "
                f"longest {max(done.seconds):.1f} s; {time.monotonic() - start:.0f} s in all",
                flush=True,
            )


if __name__ == "__main__":
    main()

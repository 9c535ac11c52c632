"""A console of rich's on which a stranger's text gives no commands."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from nipack.cli.visible import folded, visible


class VisibleConsole(Console):
    """Spells out what a terminal would take for its commands, and keeps rich's own."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print things, each plain text in lines of this width."""
        shown = (folded(each, self.width) if isinstance(each, str) else each for each in objects)
        super().print(*shown, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is shown of a thing."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)

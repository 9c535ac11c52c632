"""`nipack completion`."""

import click
from click.shell_completion import get_completion_class


@click.command(
    short_help="Set up tab completion in your shell.",
    epilog="""\b
Examples:
  nipack completion bash > ~/.local/share/bash-completion/completions/nipack
  nipack completion zsh > "${fpath[1]}/_nipack"
  nipack completion fish > ~/.config/fish/completions/nipack.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes the tab key complete nipack's commands and options in a SHELL."""
    kind = get_completion_class(shell)
    assert kind is not None, "click completes in each of the choices"
    root = ctx.find_root()
    click.echo(kind(root.command, {}, "nipack", "_NIPACK_COMPLETE").source())

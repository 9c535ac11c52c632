"""What can be wrong with a repository."""

from nipack.system.errors import NipackError


class RepositoryError(NipackError):
    """A repository cannot be read or written, or does not take what it is given."""


class ExistsError(RepositoryError):
    """What was to be made by exclusive creation is there already."""

"""What publishers who work at once rest on: one of several who create a file does, and no other."""

from collections.abc import Callable

from nipack.publish.errors import ExistsError


def keeps_promise(
    create: Callable[[str, bytes], None], delete: Callable[[str], None], path: str
) -> bool:
    """Tell whether a store refuses to create a file that is there; tried at a path of the caller.

    Raises RepositoryError where nothing can be written.
    """
    try:
        create(path, b"first")
        create(path, b"second")
    except ExistsError:
        return True
    finally:
        delete(path)
    return False

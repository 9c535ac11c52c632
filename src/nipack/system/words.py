"""Words of messages that several rooms have."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s where there is not just one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""Licence expressions of SPDX, checked by `packaging` where it is new enough for that.

Debian 12 has packaging 23, which knows no licences: there, only the form is checked.
"""

import re

try:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    KNOWS_NAMES = True
except ModuleNotFoundError:
    KNOWS_NAMES = False

    class InvalidLicenseExpression(ValueError):  # type: ignore[no-redef]
        """A text is not a licence expression."""

    _FORM = re.compile(r"\(*[A-Za-z0-9.+-]+\)*( (AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*")

    def canonicalize_license_expression(raw_license_expression: str) -> str:  # type: ignore[misc]
        """Return an expression as it is; its names are not looked up."""
        if not _FORM.fullmatch(raw_license_expression):
            raise InvalidLicenseExpression(f"Invalid license expression: {raw_license_expression}")
        return raw_license_expression


__all__ = ["KNOWS_NAMES", "InvalidLicenseExpression", "canonicalize_license_expression"]

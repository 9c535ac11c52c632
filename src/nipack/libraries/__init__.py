"""Installed data for the libraries that look in one directory of their own.

`table` has a record for each library, `views` what installed packages offer them; `linking` brings
the two together, `exports` says it in variables, and `state` what is amiss.
"""

"""`python -m nipack` is `nipack`."""

from nipack.cli import main

if __name__ == "__main__":
    main()

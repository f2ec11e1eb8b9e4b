"""`python -m thinkrec` is the command `thinkrec`."""

from thinkrec.cli import main

if __name__ == "__main__":
    main()

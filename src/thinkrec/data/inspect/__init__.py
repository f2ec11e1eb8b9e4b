"""What tables hold and what is wrong with them, guessed from the files and said: `thinkrec check`."""

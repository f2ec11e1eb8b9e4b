"""What the commands of `thinkrec` do; `thinkrec.cli` only names them and their options."""

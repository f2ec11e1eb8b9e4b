"""Files, hashes, processes, settings and progress: tools that every other folder may use."""

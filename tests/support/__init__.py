"""What several tests build on: tiny models and runs, a scripted endpoint, hand-written sentences."""

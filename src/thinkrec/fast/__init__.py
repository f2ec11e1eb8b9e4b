"""What makes scoring and training fast. Every file has a plain path in `thinkrec.model` that it equals, and tests that
say so; see docs/performance.md.
"""

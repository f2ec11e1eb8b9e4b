"""A finished run as a service: one object that answers in the process, and the same over HTTP."""

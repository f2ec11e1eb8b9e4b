"""Reasons: synthesis by a teacher, their store, filter and table, and the matching to rows."""

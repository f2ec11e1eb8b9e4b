"""Evaluation: ranking metrics, text metrics and grounding of reasons, their intervals, tables and the report."""

"""Personalisation: groups of users and the gate that weighs their experts."""

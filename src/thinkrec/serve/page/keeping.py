"""Opinions of the editor become interactions that the service remembers."""

from __future__ import annotations

from typing import Any

from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words


async def keep_changes(session: Session, name: Any) -> None:
    """Store the opinions of the editor under a user's id and look at that user; a visitor needs a name that is free."""
    view, service = session.view, session.service
    view.message = ""
    wanted = [(card, liked) for card, liked in view.changes.values() if liked is not None]
    left = len(view.changes) - len(wanted)
    if view.mode == "visitor" and await _is_taken(session, str(name)):
        session.redraw()
        return
    for card, liked in wanted:
        if await session.ask(service.append_interaction, name, card.item, liked) is None:
            return
    await session.pick_user(name)
    if left:
        session.view.message = f"{count_words(left, 'line', 'lines')} taken out came back: opinions can only be added."
        session.redraw()


async def _is_taken(session: Session, name: str) -> bool:
    """Whether a visitor cannot have a name; the message then says why."""
    if not name:
        session.view.message = "Give a name under which the history is kept."
        return True
    alike = await session.ask(session.service.search_users, name, 100)
    if alike is not None and any(str(user.user) == name for user in alike):
        session.view.message = f"There is already somebody called {name}; give another name."
    return alike is None or bool(session.view.message)

"""What a split that is not in time order hides, counted and said."""

from __future__ import annotations

import numpy as np

from thinkrec.data.interactions import SPLITS, TRAIN, VALID, Interactions
from thinkrec.data.messages import emit_warning
from thinkrec.io.counts import choose_form, format_count


def warn_hidden_rows(table: Interactions, users: list, source: str) -> None:
    """One DataWarning where the split is not in time order, with what is hidden from which rows; see `data.past`."""
    if table.past.is_complete:
        return
    hidden = table.past.count_visible_rows(np.arange(len(table))) < np.arange(len(table)) - table.start[table.user]
    totals, counts = {name: int((table.split == code).sum()) for code, name in enumerate(SPLITS)}, []
    for code, after in ((TRAIN, "validation or test row"), (VALID, "test row")):
        count = int((hidden & (table.split == code)).sum())
        if count:
            counts.append(
                f"{count:,} of {format_count(totals[SPLITS[code]], f'{SPLITS[code]} row')} "
                f"{choose_form(count, 'comes', 'come')} after a {after} of the same user"
            )
    has_times = len(np.unique(table.timestamp[:1000])) > 1
    remedy = (
        " A split by dates, months or fractions hides nothing."
        if has_times
        else " There are no times: what comes later is what stands later in the table."
    )
    whose = [repr(users[code]) for code in np.unique(table.user[hidden])]
    others = f" and {len(whose) - 3} more" if len(whose) > 3 else ""
    emit_warning(
        f"{source}: the split is not in time order: {'; '.join(counts)} (users {', '.join(whose[:3])}{others}). "
        f"Histories and statistics of train rows show train rows alone, those of validation rows no test row.{remedy}"
    )

"""Whether reasons are true of the score: what they cite beside what measurably moved it."""

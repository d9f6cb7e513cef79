"""Wordings of the activities: `CAPTIONS` by activity, slots filled from its facts."""

"""What people do: each module defines `ACTIVITIES`, a tuple of `clip.Activity`.

`carriers`, `flight`, `sport_scores` and `ball_scores` serve the others.
"""

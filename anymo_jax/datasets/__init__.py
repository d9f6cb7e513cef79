"""Real wearable recordings in, labelled windows at 60 Hz on the 23 nodes out.

recording    nouns: streams, spans, recordings; a dataset as a page of facts
raw          the fourteen datasets of the paper, from their downloads
bundles      datasets as others have packed them
tables       anybody's CSV or Parquet
catalogue    all of them by name

windows      spans -> windows, by the dataset's protocol
resample     streams -> the 60 Hz grid, from their own time stamps
evidence     what signals tell of their units, axes, clipping and noise
checks       faults that must not pass; units names units and what betrays them
part         some recordings -> windows with their evidence
engine       a dataset -> its windows: in parts, resumable, judged, atomic
card         what was read, checked and dropped
labelled     the result, on disk and in memory, and its views on the 23 nodes
"""

"""Anybody's recordings in CSV or Parquet files.

columns     which column is what, said or guessed from the header
parse       a file as named arrays, strictly: a torn row is an error
stamps      time stamps in any unit as seconds
rows        rows in order
recordings  rows as recordings
facts       a file or folder as a dataset
"""

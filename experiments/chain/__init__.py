"""The stages in a row, each in a process of its own.

links      what the stages are: their folders, what they read, what was made there
follow     skip, resume or redo each in turn
record     pipeline.json: what was done, by what, on which machine
process    a command as a child that does not outlive its parent;  child  its inside
"""

"""The workshop: what every stage of learning shares, and nothing of what is learnt.

task          the contract: init, loss and predict as pure functions
loop, run     `fit`, the only loop, and its steps; `options`: how long, how often
program       the compiled functions; `step`: one step; `state`: what is carried along
sharding      the mesh and the table of logical axes
random        keys by purpose
data, feed    batches from Grain; their way to the mesh
metrics       rows and TensorBoard; `progress`, `flops`, `profile`: how fast it goes
nonfinite     what is told of a step that is refused; `termination`: SIGTERM
optimiser     AdamW, its schedule, clipping
checkpoint    states saved and restored; `run_folder`: what a run leaves behind
trained       a run opened again;  settings: a config's values as dataclasses

Rooms import `training.task` from their task.py, `training.settings` from their
settings.py, and nothing else, so nothing is imported here.
"""

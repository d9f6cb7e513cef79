"""The floor of the house: rotations, rigid transforms, and sampled tracks over time.

rotation     matrices, quaternions (wxyz), rotation vectors
transform    rigid transforms
smoothing    zero-phase low-pass
derivative   velocity, acceleration, angular velocity
resampling   other rates, other times, gaps
"""

"""Datasets as others have packed them: windows already cut, at the dataset's own rate.

arrays        windows as arrays -> recordings
npy           arrays from files that may be damaged
npz           one npz file of windows, sites and classes
npz_facts     what is known of some npz files beyond what they say
unimts        the UniMTS archive: ten of the fourteen datasets, and eight more
unimts_facts  channels, units and nodes of its datasets
comodo        COMODO's arrays of head-worn devices
anymo_bench   AnyMo Bench, windows in Parquet
"""

"""Tables of columns in blocks, whatever kind of file they are in: CSV, .npy, Parquet, ROOT, HDF5."""

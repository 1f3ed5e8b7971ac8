"""TensorFlow Introduction, on the HIGGS data set."""

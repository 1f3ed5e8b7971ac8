"""What training leaves on the disk: checkpoints and models."""

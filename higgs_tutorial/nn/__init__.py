"""Networks: layers, models and training."""

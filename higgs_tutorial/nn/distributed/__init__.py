"""The same epoch on several devices and machines."""

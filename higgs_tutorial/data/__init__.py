"""Events on disk and in memory."""

from higgs_tutorial.data.dataset import Dataset, HiggsDataset, load
from higgs_tutorial.data.prepared import split_sizes
from higgs_tutorial.data.settings import PROFILE_EVENTS, data_folder, profile
from higgs_tutorial.data.simulated import simulated_sizes

__all__ = [
    "PROFILE_EVENTS",
    "Dataset",
    "HiggsDataset",
    "data_folder",
    "load",
    "profile",
    "simulated_sizes",
    "split_sizes",
]

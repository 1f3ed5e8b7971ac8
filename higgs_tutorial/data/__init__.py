"""Events on disk and in memory."""

from higgs_tutorial.data.dataset import Dataset, HiggsDataset, load
from higgs_tutorial.data.prepared import split_sizes
from higgs_tutorial.data.settings import PROFILE_EVENTS, data_folder, profile

__all__ = ["PROFILE_EVENTS", "Dataset", "HiggsDataset", "data_folder", "load", "profile", "split_sizes"]

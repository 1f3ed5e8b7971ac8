# What type checkers and editors see of the names that __init__.py loads when they are first used.
from higgs_tutorial import ladder as ladder
from higgs_tutorial import plots as plots
from higgs_tutorial import talk as talk
from higgs_tutorial.data.dataset import Dataset as Dataset
from higgs_tutorial.data.dataset import HiggsDataset as HiggsDataset
from higgs_tutorial.data.dataset import load as load
from higgs_tutorial.data.download import download as download
from higgs_tutorial.data.prepare import prepare as prepare
from higgs_tutorial.ladder import LADDER as LADDER
from higgs_tutorial.nn.ensembles import Ensemble as Ensemble
from higgs_tutorial.nn.estimator import HiggsClassifier as HiggsClassifier
from higgs_tutorial.nn.export import to_keras as to_keras
from higgs_tutorial.nn.files.models import load_model as load_model
from higgs_tutorial.nn.files.models import save_model as save_model
from higgs_tutorial.nn.formats import export_model as export_model
from higgs_tutorial.nn.layers import BatchNorm as BatchNorm
from higgs_tutorial.nn.layers import Dropout as Dropout
from higgs_tutorial.nn.layers import Linear as Linear
from higgs_tutorial.nn.models import LogisticRegression as LogisticRegression
from higgs_tutorial.nn.models import NeuralNetwork as NeuralNetwork
from higgs_tutorial.nn.schedules import make_schedule as make_schedule
from higgs_tutorial.nn.training import History as History
from higgs_tutorial.nn.training import evaluate as evaluate
from higgs_tutorial.nn.training import fit as fit
from higgs_tutorial.nn.training import predict as predict
from higgs_tutorial.nn.training import train as train
from higgs_tutorial.physics import features as features
from higgs_tutorial.physics.simulate import simulate as simulate

__version__: str

"""The notebooks' pictures, a module for each notebook, where drawing takes more lines than a lesson should hold.

They take numbers, arrays or a graph, and draw: what is drawn is computed in the notebook. Figures of the ladder are
in `higgs_tutorial.plots`.
"""

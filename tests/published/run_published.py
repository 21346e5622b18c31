"""Runs a checkout of the published program (COIPS) on the CPU: run_published.py PARENT_OF_CHECKOUT

The checkout is a folder called COIPS whose config.py is set and whose graders run on torch.device("cpu") already. What
nnU-Net asks of CUDA is answered by the CPU, and names that later versions of NumPy dropped are put back."""
import os
import runpy
import sys
import warnings

parent = os.path.abspath(sys.argv[1])
checkout = os.path.join(parent, 'COIPS')
sys.path[:0] = [checkout, parent]
warnings.filterwarnings('ignore')
for variable in ('nnUNet_raw_data_base', 'nnUNet_preprocessed', 'RESULTS_FOLDER'):
    os.environ.setdefault(variable, os.path.join(parent, 'nnunet', variable))

import numpy
import torch

for name, kind in dict(float=float, int=int, bool=bool, object=object).items():
    if name not in vars(numpy):
        setattr(numpy, name, kind)
try:
    import pandas
except ImportError:  # nnU-Net imports it for its own statistics only
    from unittest.mock import MagicMock
    sys.modules['pandas'] = MagicMock()


torch.Tensor.cuda = lambda self, *a, **k: self
torch.nn.Module.cuda = lambda self, *a, **k: self

torch.set_num_threads(int(os.environ.get('THREADS', '1')))
os.chdir(checkout)
sys.argv = ['COIP_system.py']
runpy.run_path('COIP_system.py', run_name='__main__')

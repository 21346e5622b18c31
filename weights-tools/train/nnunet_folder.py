"""Writes a fold of an nnU-Net v1 model folder (plans.pkl, fold_k/model_best.model[.pkl]) without nnU-Net."""
import os
import pickle
from collections import OrderedDict
import numpy as np
import torch

TRAINER = 'nnUNetTrainerV2'


def plans(base, pools, side):
    stage = {'batch_size': 2, 'num_pool_per_axis': [pools, pools], 'patch_size': np.array([side, side]),
             'median_patient_size_in_voxels': np.array([1, side, side]), 'current_spacing': np.array([999., 1., 1.]),
             'original_spacing': np.array([999., 1., 1.]), 'do_dummy_2D_data_aug': False,
             'pool_op_kernel_sizes': [[2, 2]] * pools, 'conv_kernel_sizes': [[3, 3]] * (pools + 1)}
    return {'num_stages': 1, 'num_modalities': 1, 'modalities': {0: 'OCTA'},
            'normalization_schemes': OrderedDict([(0, 'nonCT')]), 'dataset_properties': {'intensityproperties': None},
            'use_mask_for_norm': OrderedDict([(0, False)]), 'keep_only_largest_region': None,
            'min_region_size_per_class': None, 'min_size_per_class': None, 'transpose_forward': [0, 1, 2],
            'transpose_backward': [0, 1, 2], 'data_identifier': 'nnUNetData_plans_v2.1_2D', 'plans_per_stage': {0: stage},
            'preprocessor_name': 'PreprocessorFor2D', 'base_num_features': base, 'num_classes': 1, 'all_classes': [1]}


def replace(path, write):
    with open(path + '.part', 'wb') as f:
        write(f)
    os.replace(path + '.part', path)


def write_fold(folder, fold, state_dict, base, pools, side, epoch, optimizer=None):
    p = plans(base, pools, side)
    d = os.path.join(folder, f'fold_{fold}')
    os.makedirs(d, exist_ok=True)
    replace(os.path.join(folder, 'plans.pkl'), lambda f: pickle.dump(p, f))
    info = OrderedDict(init=('plans.pkl', fold, 'results', 'preprocessed', True, 0, False, True, False), name=TRAINER)
    info['class'] = f"<class 'nnunet.training.network_training.{TRAINER}.{TRAINER}'>"
    info['plans'] = p
    replace(os.path.join(d, 'model_best.model.pkl'), lambda f: pickle.dump(info, f, protocol=4))
    save = {'epoch': epoch, 'state_dict': OrderedDict((k, v.detach().clone().float()) for k, v in state_dict.items()),
            'optimizer_state_dict': optimizer, 'lr_scheduler_state_dict': None, 'plot_stuff': ([], [], [], []),
            'best_stuff': (None, None, None)}
    replace(os.path.join(d, 'model_best.model'), lambda f: torch.save(save, f))

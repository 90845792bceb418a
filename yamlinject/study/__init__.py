"""Ablation studies: what is compared with what, in a folder that any engine can go on with."""

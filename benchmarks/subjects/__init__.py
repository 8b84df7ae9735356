"""What the suite measures, a module a subject; worker.py says what each defines."""

ALL = [
    "mlp_step",
    "batch_norm",
    "batch_norm_growth",
    "bookkeeping",
    "mnist",
    "cnn_step",
    "cnn_windows",
    "cnn_layers",
    "cross_entropy",
    "optimizers",
    "depth_and_width",
    "footprint",
]
ONCE = ["footprint"]  # not for each number of threads

"""What to write instead: by module (or class) and name, the end of a sentence."""

_SMALL = "this library is for multilayer perceptrons and small convolutional networks"
_CPU = "there is no GPU: leave it out, or use .to(device) with device('cpu')"
_RECURRENT = f"{_SMALL}; a loop over time of Linear and tanh is a recurrent network"
_ATTENTION = f"{_SMALL}; attention is softmax(q @ k.mT / d**0.5, -1) @ v"
_IMAGES = f"{_SMALL}; for images there are Conv2d, ConvTranspose2d, MaxPool2d and AvgPool2d"
_OPTIMIZER = "there are SGD, Adam, AdamW and RMSprop"

HINTS: dict[str, dict[str, str]] = {
    "minigrad": {
        "einsum": "write it with @, transpose, unsqueeze and sum",
        "tensordot": "write it with reshape and @",
        "linalg": "minigrad.norm is the norm, and numpy.linalg works on x.numpy()",
        "fft": "numpy.fft works on x.numpy()",
        "jit": "operations run as they are called: leave it out",
        "compile": "operations run as they are called: leave it out",
        "hub": "weights come from safetensors files: minigrad.load(path, verify=False)",
        "distributed": _SMALL,
        "multiprocessing": _SMALL,
        "sparse": "tensors are dense",
        "quantization": "numbers are float32 or float64",
        "float16": "numbers are float32 or float64; files with float16 are read as float32",
        "half": "numbers are float32 or float64; files with float16 are read as float32",
        "bfloat16": "numbers are float32 or float64; files with bfloat16 are read as float32",
        "int8": "the integers are int64, int32 and uint8",
        "int16": "the integers are int64, int32 and uint8",
        "complex64": "numbers are float32 or float64",
        "autocast": "numbers are float32 or float64: leave it out",
        "amp": "numbers are float32 or float64: leave it out",
        "func": "gradients of gradients come from autograd.grad(…, create_graph=True)",
        "vmap": "write the operation for the whole batch",
        "cumprod": "write exp(cumsum(log(x), dim)) for positive x",
        "median": "numpy.median works on x.numpy()",
        "quantile": "numpy.quantile works on x.numpy()",
        "histc": "numpy.histogram works on x.numpy()",
        "bincount": "write one_hot(x).sum(0), or numpy.bincount of x.numpy()",
        "meshgrid": "write x.unsqueeze(1) and y.unsqueeze(0), which broadcast",
        "tile": "write x.repeat(…)",
        "concat": "write cat(tensors, dim)",
        "bernoulli": "write (rand_like(p) < p).to(p.dtype)",
        "concatenate": "write cat(tensors, dim)",
        "hstack": "write cat(tensors, 1)",
        "vstack": "write cat(tensors, 0)",
        "clip": "write clamp(x, min, max)",
        "square": "write x * x",
        "rsqrt": "write 1 / sqrt(x)",
        "reciprocal": "write 1 / x",
        "tan": "write sin(x) / cos(x)",
        "log2": "write log(x) / log(2)",
        "log10": "write log(x) / log(10)",
        "log1p": "write log(1 + x)",
        "expm1": "write exp(x) - 1",
        "erf": "gelu(x) is x * (1 + erf(x / 2**0.5)) / 2",
        "addmm": "write input + a @ b",
        "lerp": "write a + weight * (b - a)",
        "trace": "write (x * eye(len(x))).sum()",
        "diag": "write x * eye(len(x)), or x[arange(n), arange(n)] to read it",
        "tril": "write x * as_tensor(numpy.tri(n, m)).to(x.dtype)",
        "triu": "write x * as_tensor(numpy.tri(m, n).T).to(x.dtype)",
        "roll": "write cat([x[-n:], x[:-n]])",
        "cdist": "write (a.unsqueeze(1) - b).norm(dim=-1)",
        "masked_select": "write x[mask]",
        "repeat_interleave": "write x[arange(len(x) * n) // n]",
        "movedim": "write x.permute(…)",
        "ravel": "write x.flatten()",
        "count_nonzero": "write (x != 0).sum()",
        **dict.fromkeys(
            ("floor", "ceil", "round", "trunc"),
            "its gradient is 0 wherever there is one: numpy's works on x.numpy()"),
        **dict.fromkeys(("conv2d", "dropout", "embedding", "layer_norm", "group_norm", "batch_norm",
                         "max_pool2d", "binary_cross_entropy_with_logits"),
                        "it is in nn.functional"),
    },
    "minigrad.nn": {
        **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _RECURRENT),
        **dict.fromkeys(
            ("Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
             "TransformerDecoderLayer", "MultiheadAttention"), _ATTENTION),
        **dict.fromkeys(
            ("Conv1d", "Conv3d", "ConvTranspose1d", "ConvTranspose3d", "MaxPool1d", "MaxPool3d",
             "AvgPool1d", "AvgPool3d", "AdaptiveAvgPool1d", "AdaptiveMaxPool1d"),
            "give the images one row, as in x.unsqueeze(2), and use the layer for 2d"),
        **dict.fromkeys(
            ("Upsample", "UpsamplingNearest2d", "PixelShuffle", "AdaptiveMaxPool2d", "ZeroPad2d",
             "ReflectionPad2d", "LPPool2d", "MaxUnpool2d", "BatchNorm3d", "Unfold", "Fold",
             "ConstantPad2d", "ReplicationPad2d", "CircularPad2d", "UpsamplingBilinear2d",
             "PixelUnshuffle", "ChannelShuffle", "LocalResponseNorm"), _IMAGES),
        **dict.fromkeys(
            ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
            "GroupNorm(C, C) is the same for C channels: a group per channel"),
        **dict.fromkeys(
            ("ELU", "SELU", "CELU", "Softplus", "SiLU", "Mish", "Hardtanh", "ReLU6", "PReLU",
             "Hardswish", "Hardsigmoid", "Softsign", "LogSigmoid", "GLU", "RReLU", "Hardshrink",
             "Softshrink", "Tanhshrink", "Softmin", "Threshold"),
            "there are ReLU, LeakyReLU, GELU, Tanh and Sigmoid, and a Module of your own is as "
            "good"),
        **dict.fromkeys(
            ("KLDivLoss", "HuberLoss", "MarginRankingLoss", "TripletMarginLoss", "CTCLoss",
             "CosineEmbeddingLoss", "PoissonNLLLoss", "GaussianNLLLoss", "HingeEmbeddingLoss",
             "MultiLabelSoftMarginLoss", "MultiMarginLoss", "MultiLabelMarginLoss",
             "SoftMarginLoss"),
            "write it with the operations of Tensor: a loss is any function that gives one number"),
        "DataParallel": "one process computes: leave it out",
        "EmbeddingBag": "Embedding(…)(input).mean(-2) is the same",
        "ParameterList": "a ModuleList of modules, or self.register_parameter(name, parameter)",
        "Bilinear": _SMALL,
        "CosineSimilarity": "write (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1))",
        "Unflatten": "write x.reshape(…) in forward",
        "Softmax2d": "Softmax(1) is the same",
        "RMSNorm": "write x / (x * x).mean(-1, keepdim=True).add(eps).sqrt() * self.weight",
        "SyncBatchNorm": "one process computes: BatchNorm1d and BatchNorm2d are the same",
        "PairwiseDistance": "write (a - b).norm(dim=-1)",
        "AlphaDropout": "there are Dropout and Dropout2d",
        "Dropout3d": "there are Dropout and Dropout2d",
        "Buffer": "self.register_buffer(name, tensor)",
        **dict.fromkeys(("LazyLinear", "LazyConv2d", "LazyBatchNorm1d", "LazyBatchNorm2d"),
                        "write down the size; nn.summary(model, input_shape) shows all of them"),
        "Dropout1d": "Dropout2d takes (N, C, L), too",
    },
    "minigrad.nn.functional": {
        **dict.fromkeys(
            ("interpolate", "upsample", "pad", "unfold", "fold", "grid_sample", "pixel_shuffle",
             "adaptive_max_pool2d", "local_response_norm"), _IMAGES),
        **dict.fromkeys(
            ("conv1d", "conv3d", "max_pool1d", "max_pool3d", "avg_pool1d", "adaptive_avg_pool1d"),
            "give the images one row, as in x.unsqueeze(2), and use the function for 2d"),
        **dict.fromkeys(
            ("elu", "selu", "celu", "silu", "mish", "softplus", "hardtanh", "relu6", "prelu",
             "logsigmoid", "glu", "hardsigmoid", "hardswish", "softsign", "rrelu", "softmin"),
            "there are relu, leaky_relu, gelu, tanh and sigmoid"),
        **dict.fromkeys(
            ("kl_div", "huber_loss", "margin_ranking_loss", "triplet_margin_loss",
             "cosine_embedding_loss", "poisson_nll_loss", "gaussian_nll_loss"),
            "write it with the operations of Tensor: a loss is any function that gives one number"),
        "scaled_dot_product_attention": _ATTENTION,
        "multi_head_attention_forward": _ATTENTION,
        "instance_norm": "group_norm(x, C) is the same for C channels: a group per channel",
        "normalize": "write x / x.norm(dim=dim, keepdim=True)",
        "cosine_similarity": "write (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1))",
        "gumbel_softmax": "add -log(-log(rand_like(x))) to x, and take softmax",
    },
    "minigrad.optim": {
        **dict.fromkeys(
            ("Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop", "SparseAdam",
             "Adafactor", "Muon"), _OPTIMIZER),
        "swa_utils": "average the tensors of state_dict(), then call nn.utils.recalibrate",
        "LBFGS": f"{_OPTIMIZER}; scipy.optimize.minimize takes a loss and its gradient",
    },
    "minigrad.optim.lr_scheduler": {
        **dict.fromkeys(
            ("OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts", "LinearLR", "SequentialLR",
             "PolynomialLR", "ConstantLR", "MultiplicativeLR", "ChainedScheduler"),
            "LambdaLR takes any function of the epoch"),
        "ReduceLROnPlateau": 'when the loss has not fallen for some epochs, write '
        'optimizer.param_groups[0]["lr"] *= 0.1',
    },
    "minigrad.utils": {
        "tensorboard": "tensorboardX takes loss.item()",
        "checkpoint": "keep the graph, or cut it with detach(); minigrad.save writes checkpoints",
    },
    "minigrad.utils.data": {
        "IterableDataset": "a Dataset has __getitem__ and __len__",
        "ConcatDataset": "TensorDataset(cat([x1, x2]), cat([y1, y2])) joins two",
        **dict.fromkeys(
            ("WeightedRandomSampler", "RandomSampler", "SubsetRandomSampler", "SequentialSampler",
             "BatchSampler", "Sampler", "DistributedSampler"),
            "shuffle=True draws a permutation; DataLoader(…, sampler=indices) takes any order, as "
            "that of multinomial(weights, count, True)"),
    },
    "minigrad.nn.init": {
        "trunc_normal_": "write normal_(tensor, mean, std), then tensor.clamp_(a, b) under no_grad",
        "orthogonal_": "numpy.linalg.qr of a normal matrix is orthogonal; copy_ it under no_grad",
        "eye_": "write tensor.copy_(eye(n, m)) under no_grad",
        **dict.fromkeys(
            ("constant", "normal", "uniform", "kaiming_normal", "kaiming_uniform", "xavier_normal",
             "xavier_uniform"), "its name has ended in _ since 2018"),
    },
    "minigrad.nn.utils": {
        "clip_grad_value_": "write p.grad.clamp_(-c, c) for each parameter, or clip_grad_norm_",
        "clip_grad_norm": "its name has ended in _ since 2018",
        "fuse_conv_bn_eval": "fold_batch_norm(model) folds all of them",
        **dict.fromkeys(("weight_norm", "spectral_norm", "parametrize", "parametrizations"),
                        "compute the weight in forward, and call nn.functional.linear with it"),
        "rnn": _RECURRENT,
    },
    "minigrad.autograd": {
        "functional": "a loop over autograd.grad(…) gives the rows of a Jacobian",
        "set_detect_anomaly": "there is `with autograd.detect_anomaly():`",
        "inference_mode": "it is minigrad.inference_mode, or no_grad",
        "profiler": "cProfile sees the Python part, and python -m minigrad doctor the machine",
        "graph": "tensor.graph() draws it, and grad_fn.next_functions leads through it",
    },
    "Module": {
        "cpu": "tensors are on the CPU: leave it out",
        "type": "write .to(dtype), .float() or .double()",
        "register_full_backward_pre_hook": "Tensor.register_hook sees a gradient on its way",
        "share_memory": "one process computes: leave it out",
        "cuda": _CPU,
        "half": "numbers are float32 or float64: .double() is there",
        "bfloat16": "numbers are float32 or float64: .double() is there",
        "register_full_backward_hook": "Tensor.register_hook sees a gradient on its way",
        "register_backward_hook": "Tensor.register_hook sees a gradient on its way",
        "compile": "operations run as they are called: leave it out; Keras' compile and fit are a "
        "loop of your own: docs/coming_from.md shows it",
    },
}  # fmt: skip

# Methods of tensors: what is a function there is one in torch, too, and more.
_METHODS = (
    "addmm", "bernoulli", "bfloat16", "bincount", "clip", "count_nonzero", "cumprod", "diag", "erf",
    "expm1", "half", "histc", "lerp", "log10", "log1p", "log2", "masked_select", "median",
    "movedim", "quantile", "ravel", "reciprocal", "repeat_interleave", "roll", "rsqrt", "square",
    "tan", "tile", "trace", "tril", "triu", "floor", "ceil", "round", "trunc",
)  # fmt: skip
HINTS["Tensor"] = {
    **{name: HINTS["minigrad"][name] for name in _METHODS},
    **dict.fromkeys(
        ("relu_", "sigmoid_", "tanh_", "sqrt_", "log_"), "write x = x.relu(), and so on"
    ),
    **dict.fromkeys(("select", "narrow"), "write it with an index: x[:, start:end]"),
    **dict.fromkeys(("clamp_min", "clamp_max"), "write clamp(min=…) or clamp(max=…)"),
    **dict.fromkeys(("det", "inverse", "svd", "qr", "cholesky"), "numpy.linalg works on x.numpy()"),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full"), "write zeros(size, dtype=x.dtype)"),
    "type_as": "write x.to(other.dtype)",
    "pin_memory": _CPU,
    "is_cuda": _CPU,
    "get_device": _CPU,
    "absolute": "write x.abs()",
    "multiply": "write x * y",
    "subtract": "write x - y",
    "divide": "write x / y",
    "negative": "write -x",
    "greater": "write x > y",
    "less": "write x < y",
    "not_equal": "write x != y",
    "swapaxes": "write x.transpose(dim0, dim1)",
    "diagonal": "write x[arange(n), arange(n)]",
    "nansum": "write x[~isnan(x)].sum()",
    "nanmean": "write x[~isnan(x)].mean()",
    "nan_to_num": "write where(isnan(x), 0.0, x)",
    "take": "write x.flatten()[index]",
}

# What is a method of NumPy's arrays alone.
NUMPY: dict[str, dict[str, str]] = {
    "Tensor": {
        "astype": "write x.to(dtype), or x.float()",
        "copy": "write x.clone(), or x.detach().clone() without the graph",
        "fill": "write x.fill_(value)",
        "tobytes": "x.numpy() is the array: x.numpy().tobytes()",
        "flat": "write x.flatten()",
    }
}

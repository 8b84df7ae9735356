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
    },
    "minigrad.nn": {
        **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _RECURRENT),
        **dict.fromkeys(
            ("Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
             "TransformerDecoderLayer", "MultiheadAttention"), _ATTENTION),
        **dict.fromkeys(
            ("Conv1d", "Conv3d", "ConvTranspose1d", "MaxPool1d", "AvgPool1d"),
            "give the images one row, as in x.unsqueeze(2), and use the layer for 2d"),
        **dict.fromkeys(
            ("Upsample", "UpsamplingNearest2d", "PixelShuffle", "AdaptiveMaxPool2d", "ZeroPad2d",
             "ReflectionPad2d", "LPPool2d", "MaxUnpool2d", "BatchNorm3d"), _IMAGES),
        **dict.fromkeys(
            ("InstanceNorm1d", "InstanceNorm2d"),
            "GroupNorm(C, C) is the same for C channels: a group per channel"),
        **dict.fromkeys(
            ("ELU", "SELU", "CELU", "Softplus", "SiLU", "Mish", "Hardtanh", "ReLU6", "PReLU",
             "Hardswish", "Hardsigmoid", "Softsign", "LogSigmoid"),
            "there are ReLU, LeakyReLU, GELU, Tanh and Sigmoid, and a Module of your own is as "
            "good"),
        **dict.fromkeys(
            ("KLDivLoss", "HuberLoss", "MarginRankingLoss", "TripletMarginLoss", "CTCLoss",
             "CosineEmbeddingLoss", "PoissonNLLLoss", "GaussianNLLLoss", "HingeEmbeddingLoss",
             "MultiLabelSoftMarginLoss"),
            "write it with the operations of Tensor: a loss is any function that gives one number"),
        "DataParallel": "one process computes: leave it out",
        "EmbeddingBag": "Embedding(…)(input).mean(-2) is the same",
        "ParameterList": "a ModuleList of modules, or self.register_parameter(name, parameter)",
        "Bilinear": _SMALL,
        "CosineSimilarity": "write (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1))",
        "Unflatten": "write x.reshape(…) in forward",
        "Dropout1d": "Dropout2d takes (N, C, L), too",
    },
    "minigrad.nn.functional": {
        **dict.fromkeys(("interpolate", "upsample", "pad", "unfold", "grid_sample"), _IMAGES),
        **dict.fromkeys(
            ("conv1d", "conv3d", "max_pool1d", "avg_pool1d"),
            "give the images one row, as in x.unsqueeze(2), and use the function for 2d"),
        **dict.fromkeys(
            ("elu", "selu", "silu", "mish", "softplus", "hardtanh", "relu6", "prelu", "logsigmoid"),
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
             "Adafactor"), _OPTIMIZER),
        "LBFGS": f"{_OPTIMIZER}; scipy.optimize.minimize takes a loss and its gradient",
    },
    "minigrad.optim.lr_scheduler": dict.fromkeys(
        ("OneCycleLR", "ReduceLROnPlateau", "CyclicLR", "CosineAnnealingWarmRestarts", "LinearLR",
         "SequentialLR", "PolynomialLR", "ConstantLR", "MultiplicativeLR"),
        "LambdaLR takes any function of the epoch"),
    "minigrad.utils": {
        "tensorboard": "tensorboardX takes loss.item()",
        "checkpoint": "keep the graph, or cut it with detach(); minigrad.save writes checkpoints",
    },
    "minigrad.utils.data": {
        "IterableDataset": "a Dataset has __getitem__ and __len__",
        "ConcatDataset": "TensorDataset(cat([x1, x2]), cat([y1, y2])) joins two",
        **dict.fromkeys(
            ("WeightedRandomSampler", "RandomSampler", "SubsetRandomSampler", "SequentialSampler",
             "BatchSampler", "Sampler"),
            "shuffle=True draws a permutation, and Subset(dataset, indices) takes any order"),
    },
    "Module": {
        "cuda": _CPU,
        "half": "numbers are float32 or float64: .double() is there",
        "bfloat16": "numbers are float32 or float64: .double() is there",
        "register_full_backward_hook": "Tensor.register_hook sees a gradient on its way",
        "register_backward_hook": "Tensor.register_hook sees a gradient on its way",
        "compile": "operations run as they are called: leave it out",
    },
}  # fmt: skip

"""The registry's second half: nn.functional and the layers."""

from helpers.sample_inputs import (
    Input,
    apart,
    elementwise,
    gauss,
    labels,
    middle,
    positive,
    sample,
    ties,
    unit,
    with_parameters,
)


def layer(path, *arguments, shape=(2, 3), kind="normal", torch=True, parameters=(), **options):
    """A call of a layer whose parameters are inputs: (name, shape) each."""
    names = [name for name, _ in parameters]

    def call(m, x, *values):
        module = getattr(m.nn, path)(*arguments, **options).to(x.dtype)
        return with_parameters(module, **dict(zip(names, values, strict=True)))(x)

    return sample(call, Input(shape, kind), *(gauss(*s) for _, s in parameters), torch=torch)


def loss(path, *inputs, **options):
    """The function and the layer with the same options are two operations of one meaning."""
    return sample(lambda m, *xs: getattr(m.nn.functional, path)(*xs, **options), *inputs)


REDUCTIONS = ["none", "sum", "mean"]
SCALE = [("weight", (3,)), ("bias", (3,))]


def normalized(*shape, weight=True, bias=True, torch=True, running=None, **options):
    """Batch norm of channels 3, `running`: mean and variance to start from."""
    channels = [gauss(3)] * (weight + bias)

    def call(m, x, *values):
        given = dict(zip(["weight"] * weight + ["bias"] * bias, values, strict=True))
        if running is not None:
            given |= {
                "running_mean": m.tensor(running[0], dtype=x.dtype),
                "running_var": m.tensor(running[1], dtype=x.dtype),
            }
        else:
            given |= {"running_mean": None, "running_var": None}
        return m.nn.functional.batch_norm(x, **given, **options)

    if bias and not weight:  # torch 2.13 has no second derivative of that
        torch = lambda m, x, b: m.nn.functional.batch_norm(  # noqa: E731
            x, None, None, m.ones(3, dtype=x.dtype), b, True
        )
    return sample(call, gauss(*shape), *channels, torch=torch)


RUNNING = [0.3, -0.2, 0.1], [0.7, 1.2, 2.0]
FAR = [5e3, -6e3, 7e3], [2e4, 3e4, 1e4]  # both limits of batch renormalization are reached


def last_axis(m, x, w, b):
    y = m.nn.functional.batch_norm(x.transpose(1, -1), None, None, w, b, True)
    return y.transpose(1, -1)


def renormalized(running, **options):
    """Batch renormalization; in torch it is put together, with R and D taken as constants."""

    def ours(m, x, w, b):
        mean, var = (m.tensor(each, dtype=x.dtype) for each in running)
        return m.nn.functional.batch_renorm(x, mean, var, w, b, True, **options)

    def theirs(m, x, w, b):
        r_max, d_max = options.get("r_max", 3.0), options.get("d_max", 5.0)
        old_mean, old_var = (m.tensor(each, dtype=x.dtype) for each in running)
        mean, var = x.detach().mean(0), x.detach().var(0, correction=0)
        R = ((var + 1e-5) / (old_var + 1e-5)).sqrt().clamp(1 / r_max, r_max)
        D = ((mean - old_mean) / (old_var + 1e-5).sqrt()).clamp(-d_max, d_max)
        return m.nn.functional.batch_norm(x, None, None, w * R, b + w * D, True)

    frozen = running is FAR or r_is_one(options)
    return sample(ours, gauss(4, 3), gauss(3), gauss(3), torch=theirs, differences=frozen)


def r_is_one(options):
    return options == {"r_max": 1, "d_max": 0}


def convolved(shape, weight, bias=None, **options):
    def call(m, x, w, *b):
        return m.nn.functional.conv2d(x, w, *b, **options)

    return sample(call, gauss(*shape), gauss(*weight), *([gauss(bias)] if bias else []))


def pooled(shape, *arguments, kind="apart", **options):
    return sample(lambda m, x: m.nn.functional.max_pool2d(x, *arguments, **options),
                  Input(shape, kind))  # fmt: skip


def spread(shape, weight, bias=None, **options):
    def call(m, x, w, *b):
        return m.nn.functional.conv_transpose2d(x, w, *b, **options)

    return sample(call, gauss(*shape), gauss(*weight), *([gauss(bias)] if bias else []))


def averaged(shape, *arguments, **options):
    return sample(lambda m, x: m.nn.functional.avg_pool2d(x, *arguments, **options), gauss(*shape))


def embedded(index, **options):
    def call(m, w):
        return m.nn.functional.embedding(m.tensor(index), w, **options)

    # The row of padding_idx gets no gradient, whatever depends on it.
    return sample(call, gauss(4, 3), differences="padding_idx" not in options)


def channels_dropped(m, x):
    m.manual_seed(3)
    return m.nn.functional.dropout2d(x, 0.4)


def dropped(m, x):
    m.manual_seed(3)
    return m.nn.functional.dropout(x, 0.4)


def dropped_in_place(m, x):
    m.manual_seed(3)
    return m.nn.functional.dropout(m.mul(x, 2), 0.4, inplace=True)


def dropout_layer(m, x):
    m.manual_seed(3)
    return m.nn.Dropout(0.4)(x)


def channels_dropped_by_layer(m, x):
    m.manual_seed(3)
    return m.nn.Dropout2d(0.4)(x)


def classified(name):
    """cross_entropy and nll_loss: shapes, reductions, weights, ignored labels."""
    shapes = [((4, 3), (4,)), ((3,), ()), ((2, 3, 2), (2, 2)), ((1, 3), (1,)), ((2, 1), (2,))]
    samples = [
        loss(name, gauss(*shape), labels(shape[1 if len(shape) > 1 else 0], *targets), reduction=r)
        for shape, targets in shapes for r in REDUCTIONS
    ]  # fmt: skip
    samples += [loss(name, gauss(0, 3), labels(3, 0), reduction=r) for r in ("none", "sum")]

    def weighted(r, **options):
        def call(m, x, y):
            w = m.tensor([0.5, 2.0, 0.0], dtype=x.dtype)
            return getattr(m.nn.functional, name)(x, y, w, reduction=r, **options)

        return sample(call, gauss(5, 3), labels(3, 5))

    samples += [weighted(r, **o) for r in REDUCTIONS for o in ({}, {"ignore_index": 1})]
    if name == "cross_entropy":
        samples += [weighted(r, label_smoothing=0.2, ignore_index=2) for r in REDUCTIONS]
        samples += [loss(name, gauss(4, 3), labels(3, 4), label_smoothing=0.3)]
        samples += [
            loss(name, gauss(*shape), unit(*shape), reduction=r, label_smoothing=s)
            for shape in ((4, 3), (3,), (2, 3, 2)) for r in REDUCTIONS for s in (0.0, 0.2)
        ]  # fmt: skip
    return samples


def losses_of_probabilities():
    name = "binary_cross_entropy"
    return [
        *(loss(name, middle(*s), unit(*s), reduction=r) for s in ((2, 3), ()) for r in REDUCTIONS),
        loss(name, middle(0, 3), unit(0, 3), reduction="sum"),
        sample(lambda m, x, y: m.nn.functional.binary_cross_entropy(
            x, y, m.tensor([0.5, 2.0, 0.0], dtype=x.dtype)), middle(2, 3), unit(2, 3)),
    ]  # fmt: skip


def losses_of_differences(name, **options):
    return [
        *(loss(name, apart(*s), apart(*s), reduction=r, **options)
          for s in ((2, 3), ()) for r in REDUCTIONS),
        loss(name, apart(0, 3), apart(0, 3), reduction="sum", **options),
    ]  # fmt: skip


def binary_losses():
    name = "binary_cross_entropy_with_logits"

    def weighted(m, x, y, w, p):
        return m.nn.functional.binary_cross_entropy_with_logits(x, y, w, pos_weight=p)

    def composed(m, x, y, w, p):  # torch 2.13 has no gradient by weight
        softplus = m.nn.functional.softplus
        return (w * (p * y * softplus(-x) + (1 - y) * softplus(x))).mean()

    return [
        *(loss(name, gauss(*s), unit(*s), reduction=r) for s in ((2, 3), ()) for r in REDUCTIONS),
        loss(name, gauss(0, 3), unit(0, 3), reduction="sum"),
        sample(weighted, gauss(2, 3), unit(2, 3), positive(2, 1), positive(3), torch=composed),
    ]


def layered(path, target, **options):
    """A loss as a layer."""
    return [
        sample(lambda m, x, y, r=r: getattr(m.nn, path)(reduction=r, **options)(x, y),
               gauss(4, 3), target) for r in REDUCTIONS
    ]  # fmt: skip


def network(m, x, w, b, v):
    two = m.nn.Sequential(m.nn.Linear(3, 2), m.nn.Tanh(), m.nn.Linear(2, 1, bias=False)).to(x.dtype)
    with_parameters(two[0], weight=w, bias=b)
    with_parameters(two[2], weight=v)
    return two(x)


def over(path, *arguments, **options):
    return lambda m, x: getattr(m.nn.functional, path)(x, *arguments, **options)


NN = {
    "nn.functional.leaky_relu": [
        *elementwise(over("leaky_relu"), "apart"), *elementwise(over("leaky_relu", 0.3), "apart"),
        sample(lambda m, x: m.nn.functional.leaky_relu(m.mul(x, 2), 0.1, inplace=True),
               apart(2, 3)),
    ],
    "nn.functional.gelu": elementwise(over("gelu"))
    + elementwise(over("gelu", approximate="tanh")),
    "nn.functional.relu": [
        sample(lambda m, x: m.nn.functional.relu(m.mul(x, 2), inplace=True), apart(2, 3))],
    "nn.functional.dropout": [
        *elementwise(dropped, torch=None), sample(dropped_in_place, gauss(2, 3), torch=None),
        sample(over("dropout", 0.0), gauss(2, 3)), sample(over("dropout", 1.0), gauss(2, 3)),
        sample(over("dropout", 0.5, training=False), gauss(2, 3)),
    ],
    "nn.functional.linear": [
        *(sample(lambda m, x, w, b: m.nn.functional.linear(x, w, b), gauss(*s), gauss(2, 3),
                 gauss(2)) for s in ((4, 3), (3,), (2, 2, 3), (1, 3), (0, 3))),
        sample(lambda m, x, w: m.nn.functional.linear(x, w), gauss(4, 3), gauss(2, 3)),
    ],
    "nn.functional.conv2d": [
        convolved((2, 2, 4, 3), (3, 2, 2, 2), 3), convolved((2, 4, 3), (3, 2, 2, 2)),
        convolved((1, 2, 5, 4), (2, 2, 3, 2), 2, stride=(2, 1), padding=(1, 2)),
        convolved((1, 4, 4, 4), (4, 2, 2, 2), 4, groups=2, dilation=2),
        convolved((1, 3, 4, 4), (3, 1, 3, 3), groups=3, padding="same"),
        convolved((2, 3, 2, 2), (2, 3, 1, 1), 2), convolved((0, 2, 3, 3), (1, 2, 2, 2), 1),
    ],
    "nn.functional.max_pool2d": [
        pooled((1, 2, 4, 4), 2), pooled((2, 4, 5), 3, 1, 1), pooled((0, 1, 3, 3), 2),
        pooled((1, 1, 5, 5), (2, 3), (2, 1), (1, 0), 1, ceil_mode=True),
        pooled((1, 1, 5, 4), 2, 1, 0, 2), pooled((1, 2, 4, 4), 2, return_indices=True),
        pooled((1, 1, 4, 4), 3, 1, 1, kind="ties"), pooled((1, 1, 1, 1), 1),
    ],
    "nn.functional.conv_transpose2d": [
        spread((2, 2, 4, 3), (2, 3, 2, 2), 3), spread((2, 4, 3), (2, 3, 2, 2)),
        spread((1, 2, 3, 2), (2, 2, 3, 2), 2, stride=(2, 3), padding=(1, 0),
               output_padding=(1, 2)),
        spread((1, 4, 3, 3), (4, 1, 2, 2), 2, groups=2, dilation=2),
        spread((2, 3, 2, 2), (3, 2, 1, 1), 2), spread((0, 2, 3, 3), (2, 1, 2, 2), 1),
    ],
    "nn.functional.avg_pool2d": [
        averaged((1, 2, 4, 4), 2), averaged((2, 4, 5), 3, 1, 1), averaged((0, 1, 3, 3), 2),
        averaged((1, 1, 5, 5), (2, 3), (2, 1), (1, 0), ceil_mode=True),
        averaged((1, 1, 5, 5), 3, 2, 1, ceil_mode=True, count_include_pad=False),
        averaged((2, 1, 4, 5), 3, 2, ceil_mode=True),
        averaged((1, 2, 3, 3), 2, 1, divisor_override=3),
    ],
    "nn.functional.adaptive_avg_pool2d": [
        sample(lambda m, x, o=o: m.nn.functional.adaptive_avg_pool2d(x, o), gauss(*s))
        for s, o in (((2, 3, 4, 6), 1), ((2, 3, 4, 6), (2, 3)), ((1, 5, 7), (3, 2)),
                     ((1, 1, 3, 4), (None, 5)), ((0, 2, 3, 3), 2))
    ],
    "nn.functional.embedding": [
        embedded([[0, 3, 3], [2, 0, 3]]), embedded(2), embedded([3, 1, 3], padding_idx=3),
        embedded([3, 0], padding_idx=-1),
    ],
    "nn.functional.dropout2d": [
        sample(channels_dropped, gauss(2, 3, 2, 2), torch=None),
        sample(channels_dropped, gauss(2, 3, 2), torch=None),
        sample(over("dropout2d", 0.5, training=False), gauss(2, 3, 1, 1)),
    ],
    "nn.functional.batch_norm": [
        normalized(4, 3, training=True), normalized(4, 3, training=True, running=RUNNING),
        normalized(4, 3, running=RUNNING), normalized(1, 3, running=RUNNING),
        normalized(4, 3, training=True, weight=False, bias=False),
        normalized(3, 3, 1, training=True),
        normalized(4, 3, training=True, bias=False, eps=0.1),
        normalized(4, 3, training=True, weight=False), normalized(2, 3, 2, training=True),
        normalized(2, 3, 2, 2, training=True, running=RUNNING, momentum=0.5),
        normalized(2, 3, 2, 2, running=RUNNING), normalized(0, 3, running=RUNNING),
        normalized(4, 3, running=RUNNING, weight=False, bias=False),
        normalized(2, 2, 3, training=True, axis=-1, torch=last_axis),
        normalized(3, 2, 2, training=True, axis=0, running=RUNNING, unbiased_running_var=False,
                   torch=lambda m, x, w, b: m.nn.functional.batch_norm(
                       x.transpose(0, 1), None, None, w, b, True).transpose(0, 1)),
    ],
    "nn.functional.batch_renorm": [
        renormalized(RUNNING, r_max=1, d_max=0), renormalized(FAR), renormalized(RUNNING),
        renormalized(RUNNING, r_max=float("inf"), d_max=float("inf")),
        sample(lambda m, x, w, b: m.nn.functional.batch_renorm(
            x, m.tensor(RUNNING[0], dtype=x.dtype), m.tensor(RUNNING[1], dtype=x.dtype), w, b),
            gauss(4, 3), gauss(3), gauss(3),
            torch=lambda m, x, w, b: m.nn.functional.batch_norm(
                x, m.tensor(RUNNING[0], dtype=x.dtype), m.tensor(RUNNING[1], dtype=x.dtype), w, b)),
    ],
    "nn.functional.layer_norm": [
        *(sample(lambda m, x, w, b, s=s: m.nn.functional.layer_norm(x, s, w, b), gauss(*shape),
                 gauss(*s), gauss(*s))
          for shape, s in (((2, 3), (3,)), ((2, 2, 3), (2, 3)), ((4,), (4,)), ((0, 3), (3,)),
                           ((2, 3, 1, 2), (1, 2)))),
        sample(lambda m, x: m.nn.functional.layer_norm(x, (3,), eps=0.1), gauss(2, 3)),
        sample(lambda m, x, w: m.nn.functional.layer_norm(x, (3,), w), gauss(2, 3), gauss(3)),
        sample(lambda m, x, b: m.nn.functional.layer_norm(x, (3,), None, b),
               gauss(2, 3), gauss(3),
               torch=lambda m, x, b: m.nn.functional.layer_norm(x, (3,)) + b),
    ],
    "nn.functional.group_norm": [
        *(sample(lambda m, x, w, b, g=g: m.nn.functional.group_norm(x, g, w, b), gauss(*shape),
                 gauss(shape[1]), gauss(shape[1]))
          for shape, g in (((2, 4), 2), ((2, 4, 3), 2), ((1, 3, 2, 2), 3), ((2, 4, 2), 1))),
        sample(lambda m, x: m.nn.functional.group_norm(x, 2), gauss(2, 4, 2)),
        sample(lambda m, x, w: m.nn.functional.group_norm(x, 2, w), gauss(2, 4, 2), gauss(4)),
    ],
    "nn.functional.cross_entropy": classified("cross_entropy"),
    "nn.functional.nll_loss": classified("nll_loss"),
    "nn.functional.mse_loss": [
        *(loss("mse_loss", gauss(*s), gauss(*s), reduction=r) for s in ((2, 3), ())
          for r in REDUCTIONS), loss("mse_loss", gauss(0, 3), gauss(0, 3), reduction="sum"),
        *(sample(lambda m, x, y, w, r=r: m.nn.functional.mse_loss(x, y, weight=w, reduction=r),
                 gauss(2, 3), gauss(2, 3), positive(2, 3)) for r in REDUCTIONS),
    ],
    "nn.functional.l1_loss": [
        *losses_of_differences("l1_loss"),
        loss("l1_loss", ties(2, 3), ties(2, 3)),
        *(sample(lambda m, x, y, w, r=r: m.nn.functional.l1_loss(x, y, weight=w, reduction=r),
                 apart(2, 3), apart(2, 3), positive(2, 3)) for r in REDUCTIONS),
    ],
    "nn.functional.smooth_l1_loss": [
        *losses_of_differences("smooth_l1_loss"),
        *losses_of_differences("smooth_l1_loss", beta=0.3),
        loss("smooth_l1_loss", apart(2, 3), apart(2, 3), beta=0.0),
    ],
    "nn.functional.binary_cross_entropy": losses_of_probabilities(),
    "nn.functional.binary_cross_entropy_with_logits": binary_losses(),
    # --- layers
    "nn.Identity": [layer("Identity")],
    "nn.Flatten": [layer("Flatten", shape=(2, 3, 2)), layer("Flatten", 0, 1, shape=(2, 3, 2))],
    "nn.ReLU": [layer("ReLU", kind="apart"), layer("ReLU", kind="ties")],
    "nn.LeakyReLU": [layer("LeakyReLU", 0.2, kind="apart")],
    "nn.Sigmoid": [layer("Sigmoid")], "nn.Tanh": [layer("Tanh")],
    "nn.GELU": [layer("GELU"), layer("GELU", approximate="tanh")],
    "nn.Softmax": [layer("Softmax", 1)], "nn.LogSoftmax": [layer("LogSoftmax", 1)],
    "nn.Dropout": [sample(dropout_layer, gauss(2, 3), torch=None)],
    "nn.Dropout2d": [sample(channels_dropped_by_layer, gauss(2, 3, 2, 2), torch=None)],
    "nn.Embedding": [
        sample(lambda m, w: with_parameters(m.nn.Embedding(4, 3, padding_idx=0), weight=w)(
            m.tensor([2, 0, 2])), gauss(4, 3), differences=False)],
    "nn.AvgPool2d": [layer("AvgPool2d", 2, 1, 1, shape=(1, 2, 3, 3))],
    "nn.AdaptiveAvgPool2d": [layer("AdaptiveAvgPool2d", (2, None), shape=(1, 2, 3, 3))],
    "nn.ConvTranspose2d": [layer("ConvTranspose2d", 2, 3, 2, stride=2, shape=(1, 2, 3, 3),
                                 parameters=[("weight", (2, 3, 2, 2)), ("bias", (3,))])],
    "nn.Linear": [
        layer("Linear", 3, 2, shape=(4, 3), parameters=[("weight", (2, 3)), ("bias", (2,))]),
        layer("Linear", 3, 2, bias=False, parameters=[("weight", (2, 3))]),
    ],
    "nn.Conv2d": [layer("Conv2d", 2, 3, 2, padding=1, shape=(1, 2, 3, 3),
                        parameters=[("weight", (3, 2, 2, 2)), ("bias", (3,))])],
    "nn.MaxPool2d": [layer("MaxPool2d", 2, 1, shape=(1, 2, 3, 3), kind="apart")],
    "nn.BatchNorm1d": [
        layer("BatchNorm1d", 3, shape=(4, 3), parameters=SCALE),
        layer("BatchNorm1d", 3, shape=(2, 3, 2), parameters=SCALE, momentum=None),
        layer("BatchNorm1d", 3, shape=(4, 3), affine=False),
    ],
    "nn.BatchNorm2d": [layer("BatchNorm2d", 3, shape=(2, 3, 2, 2), parameters=SCALE)],
    "nn.BatchRenorm1d": [layer("BatchRenorm1d", 3, shape=(4, 3), parameters=SCALE, torch=None,
                               r_max=1, d_max=0)],
    "nn.BatchRenorm2d": [layer("BatchRenorm2d", 3, shape=(2, 3, 2, 2), parameters=SCALE, torch=None,
                               r_max=1, d_max=0)],
    "nn.LayerNorm": [layer("LayerNorm", 3, shape=(4, 3), parameters=SCALE)],
    "nn.GroupNorm": [layer("GroupNorm", 1, 3, shape=(2, 3, 2), parameters=SCALE)],
    "nn.CrossEntropyLoss": [*layered("CrossEntropyLoss", labels(3, 4)),
                            *layered("CrossEntropyLoss", unit(4, 3), label_smoothing=0.1)],
    "nn.NLLLoss": layered("NLLLoss", labels(3, 4)),
    "nn.MSELoss": layered("MSELoss", gauss(4, 3)),
    "nn.L1Loss": layered("L1Loss", apart(4, 3)),
    "nn.SmoothL1Loss": layered("SmoothL1Loss", apart(4, 3), beta=0.5),
    "nn.BCELoss": [
        sample(lambda m, x, y, r=r: m.nn.BCELoss(reduction=r)(x, y), middle(4, 3), unit(4, 3))
        for r in REDUCTIONS
    ],
    "nn.BCEWithLogitsLoss": layered("BCEWithLogitsLoss", unit(4, 3)),
    "nn.Sequential": [sample(network, gauss(4, 3), gauss(2, 3), gauss(2), gauss(1, 2))],
}  # fmt: skip

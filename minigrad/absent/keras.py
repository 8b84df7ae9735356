"""What to write instead of Keras' names and arguments: the end of a sentence, as in `hints.py`."""

_LOOP = "it is a loop of your own: docs/coming_from.md shows it"
_ACTIVATION = "an activation is a layer or a call of its own: nn.ReLU(), x.relu()"
_CROSS = "nn.functional.cross_entropy takes scores (logits), and labels or one-hot rows as floats"
_BINARY = "nn.functional.binary_cross_entropy_with_logits takes scores (logits)"
_SQUARED = "write nn.functional.mse_loss(output, target)"
_ABSOLUTE = "write nn.functional.l1_loss(output, target)"
_ONE_HOT = "write nn.functional.one_hot(labels, classes); cross_entropy takes labels"
_RATE = 'the learning rate is optimizer.param_groups[0]["lr"]'
_START = "nn.init fills a weight that is there, as in nn.init.xavier_uniform_(layer.weight)"
_DECAY = "the optimizer takes weight_decay: Keras' l2(c) is weight_decay=2 * c"
_CALLBACK = "a callback is a line of the loop: docs/coming_from.md shows it"
_WEIGHTS = "state_dict() has all of them by name, parameters() those that are trained"

LAYERS = {
    "Dense": "write Linear(in_features, out_features)",
    "Activation": _ACTIVATION,
    "Conv2D": "write Conv2d(in_channels, out_channels, kernel_size), for images (N, C, H, W)",
    "Conv2DTranspose": "write ConvTranspose2d(in_channels, out_channels, kernel_size)",
    "DepthwiseConv2D": "write Conv2d(C, C, kernel_size, groups=C)",
    "MaxPooling2D": "write MaxPool2d(2)",
    "AveragePooling2D": "write AvgPool2d(2)",
    "GlobalAveragePooling2D": "write x.mean((2, 3)) for images (N, C, H, W)",
    "GlobalMaxPooling2D": "write x.amax((2, 3)) for images (N, C, H, W)",
    "BatchNormalization": "write BatchNorm1d.from_keras(C), or BatchNorm2d.from_keras(C, axis=1)",
    "LayerNormalization": "write LayerNorm(C, eps=1e-3)",
    "GroupNormalization": "write GroupNorm(groups, C, eps=1e-3)",
    "SpatialDropout2D": "write Dropout2d(p)",
    "Reshape": "write x.reshape(…) in forward",
    "Permute": "write x.permute(…) in forward",
    "Rescaling": "write x.float() / 255",
    "Add": "write a + b in forward",
    "Concatenate": "write minigrad.cat([a, b], dim) in forward",
    "Lambda": "write a Module whose forward does it",
    **dict.fromkeys(("Input", "InputLayer"), "leave it out: the first layer is told its input"),
    **dict.fromkeys(("Model", "Functional"), "write a Module with a forward, or a Sequential"),
    **dict.fromkeys(("relu", "softmax", "sigmoid", "tanh"), "it is in nn.functional"),
    **dict.fromkeys(
        ("SparseCategoricalCrossentropy", "CategoricalCrossentropy"), f"CrossEntropyLoss: {_CROSS}"
    ),
    "BinaryCrossentropy": f"BCEWithLogitsLoss: {_BINARY}",
    "MeanSquaredError": "write MSELoss()",
    "MeanAbsoluteError": "write L1Loss()",
    "regularizers": _DECAY,
    "initializers": _START,
    "callbacks": _CALLBACK,
}

KERAS: dict[str, dict[str, str]] = {
    "minigrad": {
        **dict.fromkeys(("Sequential", "layers", "losses", "activations"), "it is in minigrad.nn"),
        "Model": "minigrad.nn.Module is the base of models, and Sequential a row of layers",
        "Input": LAYERS["Input"],
        "optimizers": "they are in minigrad.optim",
        "initializers": LAYERS["initializers"],
        "regularizers": _DECAY,
        "callbacks": _CALLBACK,
        "metrics": "write (scores.argmax(1) == labels).float().mean() for the accuracy",
        "keras": "docs/coming_from.md says what is called what",
        "GradientTape": "operations are recorded as they run: loss.backward() fills .grad",
        "Variable": "write tensor(value, requires_grad=True), or nn.Parameter in a Module",
        **dict.fromkeys(("constant", "convert_to_tensor"), "write tensor(x), or as_tensor(x)"),
        "array": "write tensor(x)",
        "reduce_mean": "write x.mean(dim)",
        "reduce_sum": "write x.sum(dim)",
        "reduce_max": "write x.amax(dim)",
        "expand_dims": "write x.unsqueeze(dim)",
        "cast": "write x.to(dtype), or x.float()",
        "function": "operations run as they are called: leave it out",
        "to_categorical": _ONE_HOT,
    },
    "minigrad.nn": LAYERS,
    "minigrad.nn.functional": {
        "binary_crossentropy": _BINARY,
        "categorical_crossentropy": _CROSS,
        "sparse_categorical_crossentropy": _CROSS,
        **dict.fromkeys(("mean_squared_error", "mse"), _SQUARED),
        **dict.fromkeys(("mean_absolute_error", "mae"), _ABSOLUTE),
    },
    "minigrad.optim": {
        "Nadam": "there are SGD, Adam, AdamW and RMSprop",
        "Ftrl": "there are SGD, Adam, AdamW and RMSprop",
        "get": "call the class with the parameters: Adam(model.parameters())",
        "schedules": "they are in optim.lr_scheduler",
    },
    "minigrad.optim.lr_scheduler": {
        "ExponentialDecay": "write ExponentialLR(optimizer, gamma), and scheduler.step() per epoch",
        "CosineDecay": "write CosineAnnealingLR(optimizer, T_max), and scheduler.step() per epoch",
        "PiecewiseConstantDecay": "write MultiStepLR(optimizer, milestones)",
        "LearningRateScheduler": "write LambdaLR(optimizer, factor_of_the_epoch)",
    },
    "minigrad.utils": {
        "to_categorical": _ONE_HOT,
        "plot_model": "write loss.graph(model).save('graph.svg')",
        "set_random_seed": "write minigrad.manual_seed(seed)",
        "callbacks": _CALLBACK,
        **dict.fromkeys(("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"), _CALLBACK),
    },
    "Module": {
        **dict.fromkeys(("fit", "train_on_batch"), _LOOP),
        "predict": "write model.eval(), and model(x) under minigrad.no_grad()",
        "evaluate": "write model.eval(), and the loss of model(x) under minigrad.no_grad()",
        "summary": "write nn.summary(model, input_shape), the batch included",
        "get_weights": f"nn.utils.weights_to_keras(model) is that list; {_WEIGHTS}",
        "set_weights": "write nn.utils.weights_from_keras(model, weights)",
        "layers": "list(model) are those of a Sequential, named_modules() those of any model",
        "get_layer": "write model.get_submodule(name)",
        "count_params": "write sum(p.numel() for p in model.parameters())",
        **dict.fromkeys(("weights", "variables", "trainable_weights"), _WEIGHTS),
        "trainable": "write requires_grad_(False) to freeze the parameters",
        **dict.fromkeys(("save", "save_weights"), "write minigrad.save(model.state_dict(), path)"),
        "load_weights": "write model.load_state_dict(minigrad.load(path))",
        "add": "write append(layer)",
        "build": "leave it out: a layer has its weights when it is made",
        **dict.fromkeys(
            ("input_shape", "output_shape"), "nn.summary(model, input_shape) shows all of them"
        ),
        "optimizer": _LOOP,
        "history": "write minigrad.utils.History(), which the loop fills",
    },
    "Optimizer": {
        **dict.fromkeys(("lr", "learning_rate"), _RATE),
        "apply_gradients": "write loss.backward(), then optimizer.step()",
        "minimize": "write optimizer.zero_grad(), loss.backward(), optimizer.step()",
    },
}

# Arguments of Keras' layers and optimizers that have another name here.
RENAMED: dict[str, str] = {
    "use_bias": "bias",
    "strides": "stride",
    "dilation_rate": "dilation",
    "pool_size": "kernel_size",
    "rate": "p",
    "epsilon": "eps",
    "learning_rate": "lr",
    "rho": "alpha",
    **dict.fromkeys(("beta_1", "beta_2"), "betas"),
}

ARGUMENTS: dict[str, str] = {
    **{theirs: f"it is {ours} here" for theirs, ours in RENAMED.items()},
    "activation": _ACTIVATION,
    "units": "the sizes are in_features, out_features",
    "filters": "the sizes are in_channels, out_channels, kernel_size",
    "data_format": "images are (N, C, H, W): x.permute(0, 3, 1, 2) brings the channels forward",
    **dict.fromkeys(("center", "scale"), "affine=False leaves both weight and bias out"),
    **dict.fromkeys(
        ("input_shape", "input_dim"), "the first arguments of a layer say the size of its input"
    ),
    "name": "a layer is named by the attribute that holds it",
    **dict.fromkeys(
        ("kernel_initializer", "bias_initializer", "gamma_initializer", "beta_initializer"), _START
    ),
    **dict.fromkeys(("kernel_regularizer", "bias_regularizer"), _DECAY),
    "trainable": "requires_grad_(False) freezes the parameters of a layer",
    "from_logits": "cross_entropy takes scores (logits), and so does every loss _with_logits",
    **dict.fromkeys(("beta_1", "beta_2"), "both are betas here: betas=(0.9, 0.999)"),
    **dict.fromkeys(
        ("clipnorm", "global_clipnorm"),
        "nn.utils.clip_grad_norm_(parameters, max_norm) goes before the step",
    ),
    "clipvalue": "p.grad.clamp_(-c, c) for each parameter goes before the step",
}

# Attributes that a layer here does not look at: setting one would change nothing.
IGNORED: dict[str, str] = {
    "trainable": "requires_grad_(False) freezes the parameters",
    "requires_grad": "requires_grad_(False), a method, freezes the parameters",
    "activation": _ACTIVATION,
}

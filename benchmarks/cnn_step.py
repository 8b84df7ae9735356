"""One training step of a small convolutional network against torch.

    python benchmarks/cnn_step.py [--batch 16 64 256] [--threads 1] [--layers] [--compile]

Images of 28 × 28: Conv 32 3 × 3 - BatchNorm - ReLU - MaxPool 2 - Flatten - Linear 64 - BatchNorm -
ReLU - Linear 10, cross-entropy, Adam, float32. Before anything is timed, each contestant makes
three steps that must give the losses and weights of the NumPy kernels in double. --layers times
each layer of the first batch size alone as well, forward and backward.
"""

from statistics import median

import harness

IMAGE = (1, 28, 28)


def cnn(nn):
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 13 * 13, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def initial_weights(rng):
    """In the order of `parameters()`: even weights as the layers draw them, gamma and beta."""
    import minigrad

    weights = []
    for parameter in cnn(minigrad.nn).parameters():
        bound = (parameter.numel() / len(parameter)) ** -0.5
        weights.append(rng.uniform(-bound, bound, tuple(parameter.shape)))
    for gamma in (2, 6):
        weights[gamma] = rng.uniform(0.5, 1.5, weights[gamma].shape)
    return weights


def contestants(weights, x, y, compiled):
    """Name -> a fresh step function, of those that are installed."""
    import numpy as np
    import peers

    import minigrad

    given = [w.astype(np.float32) for w in weights], x, y, cnn
    steps = {"minigrad": peers.Modules(minigrad, *given)}
    try:
        import torch
    except ImportError:
        return steps
    steps["torch, Adam"] = peers.Modules(torch, *given)
    steps["torch, fused Adam"] = peers.Modules(torch, *given, fused=True)
    if compiled:
        steps["torch.compile, fused"] = peers.Modules(torch, *given, compiled=True, fused=True)
    return steps


def check_agreement(steps, weights, x, y):
    """Three steps: every loss and nearly every weight as the NumPy kernels have them in double."""
    import numpy as np
    import peers

    import minigrad

    with minigrad.use_kernels("reference"):
        oracle = peers.Modules(minigrad, weights, x.astype(float), y, cnn)
        expected = [oracle().item() for _ in range(3)]
    for name, step in steps.items():
        losses = [step().item() for _ in range(3)]
        np.testing.assert_allclose(losses, expected, rtol=1e-5, err_msg=name)
        for i, (got, want) in enumerate(zip(step.weights(), oracle.weights(), strict=True)):
            # Adam makes a step of size LR of a gradient that is only rounding noise: that of a bias
            # before batch norm, and here and there that of a weight.
            off = np.mean(np.abs(got - want) > 0.05 * peers.LR)
            assert i in (1, 5) or off < 0.1, f"{name}: {off:.1%} of weight {i} are not NumPy's"


def layers_alone(steps, rounds):
    """Layer -> name -> seconds of a forward pass and of a backward pass."""
    import numpy as np

    import minigrad

    libraries = {"minigrad": minigrad}
    if "torch, Adam" in steps:
        import torch

        libraries["torch"] = torch
    results = {}
    models = {name: steps[name if name == "minigrad" else "torch, Adam"] for name in libraries}
    inputs = {name: step.x for name, step in models.items()}
    rng = np.random.default_rng(0)
    for i, ours in enumerate(models["minigrad"].model):
        calls = {}
        for name, library in libraries.items():
            layer, x = models[name].model[i], inputs[name].detach()
            x.requires_grad_(i > 0)  # as in the network, whose images need no gradient
            inputs[name] = layer(x)
            dy = rng.standard_normal(tuple(inputs[name].shape)).astype(np.float32)
            calls |= passes(name, layer, x, library.from_numpy(dy))
        results[f"{i} {type(ours).__name__}"] = harness.time_in_turns(calls, rounds)
    return results


def passes(name, layer, x, dy):
    """A forward pass, and one with its backward pass."""

    def both():
        y = layer(x)
        x.grad = None
        for parameter in layer.parameters():
            parameter.grad = None
        if y.requires_grad:
            y.backward(dy)

    return {f"{name}, forward": lambda: layer(x), f"{name}, and backward": both}


def main():
    parser = harness.arguments(__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--layers", action="store_true", help="time each layer alone as well")
    parser.add_argument("--compile", action="store_true", help="with torch.compile (slow start)")
    args = parser.parse_args()
    harness.use_threads(args.threads)
    import numpy as np

    results, layers = {}, {}
    for batch in args.batch:
        rng = np.random.default_rng(0)
        weights = initial_weights(rng)
        x = rng.random((batch, *IMAGE), dtype=np.float32)
        y = rng.integers(0, 10, batch)
        steps = contestants(weights, x, y, args.compile)
        check_agreement(steps, weights, x, y)
        results[f"batch {batch}"] = harness.time_in_turns(steps, args.rounds)
        if args.layers and not layers:
            layers = layers_alone(steps, args.rounds)
    report(results, layers, args)


def report(results, layers, args):
    harness.print_machine(args.threads, "numpy", "torch")
    names = list(next(iter(results.values())))
    harness.print_table(
        "µs a step: median ± half the quartile distance",
        list(results),
        {name: [harness.microseconds(times[name]) for times in results.values()] for name in names},
    )
    rows = {"fastest peer": [], "peer / minigrad": []}
    for times in results.values():
        if names[1:]:
            best = min(names[1:], key=lambda name: median(times[name]))
            rows["fastest peer"].append(best)
            rows["peer / minigrad"].append(f"{harness.ratio(times, best, 'minigrad'):.2f}")
    if names[1:]:
        harness.print_table("ratio: median over the rounds", list(results), rows)
    if layers:
        columns = list(next(iter(layers.values())))
        rows = {
            layer: [harness.microseconds(times[name]) for name in columns]
            for layer, times in layers.items()
        }
        harness.print_table(f"µs a layer, {next(iter(results))}", columns, rows)
    if args.json:
        harness.write_json(args.json, results | layers)


if __name__ == "__main__":
    main()

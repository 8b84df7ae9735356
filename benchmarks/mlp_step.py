"""One training step of the MNIST network against torch, JAX, hand-written NumPy and bare BLAS.

    python benchmarks/mlp_step.py [--batch 32 64 128 256 1024] [--threads 1] [--compile]

784 - 128 - BatchNorm - ReLU - 64 - BatchNorm - ReLU - 10, cross-entropy, Adam, float32. Before
anything is timed, each contestant makes three steps that must give the losses and weights of NumPy
in double.
"""

from statistics import median

import harness


def contestants(weights, x, y, compiled):
    """Name -> a fresh step function, of those that are installed."""
    import peers

    import minigrad

    steps = {"minigrad": peers.Modules(minigrad, weights, x, y)}
    try:
        import torch
    except ImportError:
        pass
    else:
        steps["torch, Adam"] = peers.Modules(torch, weights, x, y)
        steps["torch, fused Adam"] = peers.Modules(torch, weights, x, y, fused=True)
        if compiled:
            steps["torch.compile, fused"] = peers.Modules(
                torch, weights, x, y, compiled=True, fused=True
            )
    try:
        steps["JAX, jitted"] = peers.Jax(weights, x, y)
    except ImportError:
        pass
    steps["NumPy by hand"] = peers.NumPy(weights, x, y)
    return steps


def check_agreement(steps, oracle):
    """Three steps: every loss and nearly every weight as NumPy has them in double."""
    import numpy as np
    import peers

    expected = [oracle().item() for _ in range(3)]
    for name, step in steps.items():
        losses = [step().item() for _ in range(3)]
        np.testing.assert_allclose(losses, expected, rtol=1e-5, err_msg=name)
        for i, (got, want) in enumerate(zip(step.weights(), oracle.weights(), strict=True)):
            # Adam makes a step of size LR of a gradient that is only rounding noise: that of a bias
            # before batch norm, and here and there that of a weight.
            off = np.mean(np.abs(got - want) > 0.05 * peers.LR)
            assert i in (1, 5) or off < 0.1, f"{name}: {off:.1%} of weight {i} are not NumPy's"


def main():
    parser = harness.arguments(__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 64, 128, 256, 1024])
    parser.add_argument("--compile", action="store_true", help="with torch.compile (slow start)")
    args = parser.parse_args()
    harness.use_threads(args.threads)
    import numpy as np
    import peers

    results = {}
    for batch in args.batch:
        rng = np.random.default_rng(0)
        weights = peers.initial_weights(rng)
        x = rng.random((batch, peers.SIZES[0]), dtype=np.float32)
        y = rng.integers(0, peers.SIZES[-1], batch)
        steps = contestants(weights, x, y, args.compile)
        in_double = peers.NumPy([w.astype(float) for w in weights], x.astype(float), y)
        check_agreement(steps, in_double)
        steps["matrix products alone"] = peers.MatrixProducts(weights, x)
        results[f"batch {batch}"] = harness.time_in_turns(steps, args.rounds)
    report(results, args)


def report(results, args):
    harness.print_machine(args.threads, "numpy", "torch", "jax")
    names = list(next(iter(results.values())))
    others = [name for name in names if name not in ("minigrad", "matrix products alone")]
    harness.print_table(
        "µs a step: median ± half the quartile distance",
        list(results),
        {name: [harness.microseconds(times[name]) for times in results.values()] for name in names},
    )
    rows = {name: [] for name in ["fastest peer", "peer / minigrad", "minigrad / products"]}
    for times in results.values():
        best = min(others, key=lambda name: median(times[name]))
        rows["fastest peer"].append(best)
        rows["peer / minigrad"].append(f"{harness.ratio(times, best, 'minigrad'):.2f}")
        products = harness.ratio(times, "minigrad", "matrix products alone")
        rows["minigrad / products"].append(f"{products:.2f}")
    harness.print_table("ratio: median over the rounds", list(results), rows)
    if args.json:
        harness.write_json(args.json, results)


if __name__ == "__main__":
    main()

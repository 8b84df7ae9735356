"""What an operation costs beside its arithmetic: a chain of 10,000 scalar additions, and back.

    python benchmarks/bookkeeping.py [--length 10000] [--threads 1]
"""

from statistics import median

import harness


def chain(torch, length):
    """Function that adds x to itself `length` times and goes backward; it returns the gradient."""
    x = torch.tensor(1.0, requires_grad=True)

    def run():
        x.grad = None
        y = x
        for _ in range(length):
            y = y + x
        y.backward()
        return x.grad

    return run


def forward(torch, length):
    """The same without recording: what remains is the call."""
    x = torch.tensor(1.0)

    def run():
        with torch.no_grad():
            y = x
            for _ in range(length):
                y = y + x
        return y

    return run


def main():
    parser = harness.arguments(__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=10_000)
    args = parser.parse_args()
    harness.use_threads(args.threads)
    import minigrad

    libraries = {"minigrad": minigrad}
    try:
        import torch
    except ImportError:
        pass
    else:
        libraries["torch"] = torch
    results = {}
    for title, build in {"recorded, and backward": chain, "not recorded": forward}.items():
        runs = {name: build(library, args.length) for name, library in libraries.items()}
        for name, run in runs.items():
            assert run().item() == args.length + 1, name
        results[title] = harness.time_in_turns(runs, args.rounds)

    harness.print_machine(args.threads, "numpy", "torch")
    rows = {
        name: [f"{median(times[name]) / args.length * 1e9:.0f}" for times in results.values()]
        for name in libraries
    }
    if "torch" in libraries:
        rows["torch / minigrad"] = [
            f"{harness.ratio(times, 'torch', 'minigrad'):.2f}" for times in results.values()
        ]
    harness.print_table("ns an addition", list(results), rows)
    if args.json:
        harness.write_json(args.json, results)


if __name__ == "__main__":
    main()

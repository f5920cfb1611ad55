"""Times PyTorch on tasks of `cargo xtask bench`, for a common table. The times are medians in eager
mode; float32 is without TF32, as is PyTorch's default. The kernel and the step include the forward
and the backward pass. `--check` compares the results with a full Jacobian.

    python torch_peers.py --device cuda:0 --dtype float32 --out rows.json
"""

import argparse
import json
import math
import os
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch
from torch import Tensor, nn

INPUTS, LAYERS = 10, 5
DT, GAMMA = 0.5, 1 - math.sqrt(0.5)  # of the implicit step, whose time does not depend on them
BUDGET, MIN_RUNS, MAX_RUNS = 2.0, 3, 100  # seconds and repetitions per row


def softplus(z: Tensor, beta: float) -> Tensor:
    """ln(1 + exp(beta z))/beta. PyTorch's default threshold, 20, gives only nine digits."""
    return nn.functional.softplus(z, beta=beta, threshold=40)


# 1/sqrt(E softplus(g)^2) for a normal g, by the trapezium rule.
POINTS = torch.linspace(-12, 12, 4801, dtype=torch.float64)
GAIN = (torch.softmax(-(POINTS**2) / 2, 0) @ softplus(POINTS, 5) ** 2).rsqrt().item()


def forward(params: list[Tensor], x: Tensor) -> tuple[Tensor, list[tuple[Tensor, float, Tensor]]]:
    """The outputs [n], and of each layer its inputs, its factor and its preactivations."""
    a, layers = x, []
    for i, (w, b) in enumerate(zip(params[::2], params[1::2])):
        # The factor of the next layer includes the gain: it is cheaper to scale weights.
        c = (GAIN if i else 1.0) / math.sqrt(w.shape[1])
        z = nn.functional.linear(a, c * w, b)
        layers.append((a, c, z))
        a = softplus(z, 5) if i < LAYERS else z
    return a.squeeze(1), layers


class Problem:
    """A net with random weights and biases, n points and their labels; alpha = 1."""
    def __init__(self, n: int, h: int, dtype: torch.dtype, device: torch.device) -> None:
        phase = 0.618033988749894848 * torch.arange(n * INPUTS, dtype=torch.float64)
        self.x = (math.sqrt(12) * (phase.frac() - 0.5)).reshape(n, INPUTS).to(device, dtype)
        self.y = (1 - 2 * (torch.arange(n) % 2)).to(device, dtype)
        torch.manual_seed(0)
        widths = [INPUTS] + LAYERS * [h] + [1]
        shapes = [s for k, m in zip(widths, widths[1:]) for s in [(m, k), (m,)]]
        self.params = [torch.randn(s, device=device, dtype=dtype).requires_grad_() for s in shapes]
        self.f0 = forward(self.params, self.x)[0].detach()

    def loss_and_gradient(self, params: list[Tensor], squared: bool = False) -> Tensor:
        """The mean soft hinge, or half the mean square; its gradient is stored in the parameters."""
        for p in params:
            p.grad = None
        short = 1 - self.y * (forward(params, self.x)[0] - self.f0)
        loss = (short**2 / 2 if squared else softplus(short, 20)).mean()
        loss.backward()
        return loss.detach()

    def kernel(self) -> tuple[Tensor, Tensor]:
        """The outputs, with their graph, and the tangent kernel [n, n]."""
        f, layers = forward(self.params, self.x)
        deltas = torch.autograd.grad(f.sum(), [z for _, _, z in layers[:-1]], retain_graph=True)
        with torch.no_grad():
            one, (a, c, _) = f.new_ones(()), layers[-1]  # its sensitivities are 1
            theta = torch.addmm(one, a, a.T, alpha=c * c)
            left, right = torch.empty_like(theta), torch.empty_like(theta)
            for (a, c, _), delta in zip(layers, deltas):
                torch.addmm(one, a, a.T, alpha=c * c, out=left)
                torch.mm(delta, delta.T, out=right)
                theta.addcmul_(left, right)
        return f, theta

    def solver(self, c: float) -> Callable[[list[Tensor]], list[Tensor]]:
        """v -> (I + c J^T S J)^-1 v, where S has the curvatures of half the mean square, as
        v - c J^T S^1/2 (I + c S^1/2 Theta S^1/2)^-1 S^1/2 J v."""
        f, theta = self.kernel()
        root = torch.full_like(self.y, 1 / math.sqrt(len(f)))
        theta.mul_(root[:, None]).mul_(c * root).diagonal().add_(1)
        factor, _ = torch.linalg.cholesky_ex(theta, check_errors=True)
        # J^T g is linear in g, and its backward pass gives J v.
        g = torch.zeros_like(f, requires_grad=True)
        pulled = torch.autograd.grad(f, self.params, g, create_graph=True)

        def solve(v: list[Tensor]) -> list[Tensor]:
            (moved,) = torch.autograd.grad(pulled, g, v, retain_graph=True)
            solution = torch.cholesky_solve((root * moved)[:, None], factor)[:, 0]
            back = torch.autograd.grad(f, self.params, -c * root * solution, retain_graph=True)
            return [a + b for a, b in zip(v, back)]

        return solve

    def step(self) -> list[Tensor]:
        """The parameters after one step of ROS2 for half the mean square: all points active."""
        solve = self.solver(GAMMA * DT)
        self.loss_and_gradient(self.params, squared=True)
        k1 = solve([-p.grad for p in self.params])
        middle = [(p.detach() + DT * k).requires_grad_() for p, k in zip(self.params, k1)]
        self.loss_and_gradient(middle, squared=True)
        k2 = solve([-p.grad - 2 * k for p, k in zip(middle, k1)])
        return [p.detach() + DT * (1.5 * a + 0.5 * b) for p, a, b in zip(self.params, k1, k2)]

    def works(self) -> Iterator[tuple[str, Callable]]:
        yield "loss and gradient", lambda: self.loss_and_gradient(self.params)
        yield "structured kernel", self.kernel
        yield "implicit step, all points active", self.step
        matrix = self.kernel()[1]
        matrix.div_(matrix.diagonal().mean()).diagonal().add_(1)
        yield "Cholesky factorisation", lambda: torch.linalg.cholesky(matrix)


def seconds(work: Callable, device: torch.device) -> float:
    """The median time of several runs after a first one, each until the device has finished."""
    times: list[float] = []
    while len(times) <= MIN_RUNS or (sum(times[1:]) < BUDGET and len(times) <= MAX_RUNS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def wrong(problem: Problem) -> bool:
    """Whether the results differ from those of the Jacobian, computed from the net's formula."""
    y, params, flat = problem.y, problem.params, nn.utils.parameters_to_vector
    problem.f0 -= torch.linspace(-2, 2, len(y)).to(y)  # margins on both sides of 1

    def plain(params: Sequence[Tensor]) -> Tensor:
        a = problem.x
        for w, b in zip(params[::2], params[1::2]):
            z = a @ w.T / math.sqrt(a.shape[1]) + b
            a = GAIN * torch.log(1 + torch.exp(5 * z)) / 5
        return z[:, 0]

    j = torch.cat([p.flatten(1) for p in torch.func.jacrev(plain)(tuple(params))], 1).detach()
    slope = -y * torch.sigmoid(20 * (1 - y * (plain(params) - problem.f0))) / len(y)
    problem.loss_and_gradient(params)
    matrix = torch.eye(j.shape[1]).to(j) + 3 * j.T @ j / len(y)
    pairs = {
        "gradient": (flat([p.grad for p in params]), j.T @ slope),
        "kernel": (problem.kernel()[1], j @ j.T),
        "solution": (flat(problem.solver(3.0)(params)), torch.linalg.solve(matrix, flat(params))),
    }
    errors = {name: ((a - b).norm() / b.norm()).item() for name, (a, b) in pairs.items()}
    print("relative errors:", ", ".join(f"{name} {e:.1e}" for name, e in errors.items()))
    return not all(e < (1e-10 if y.dtype == torch.float64 else 1e-4) for e in errors.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS)
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda:0")
    parser.add_argument("--threads", default=torch.get_num_threads(), type=int, help="of the host")
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--sizes", help="points and widths, such as 1000:100,5000:400")
    parser.add_argument("--out", metavar="FILE", help="write the rows to this file, as JSON")
    parser.add_argument("--check", action="store_true", help="compare with a Jacobian and exit")
    args = parser.parse_args()
    usual = "1000:100,1000:400" if args.device == "cpu" else "5000:100,5000:400,5000:800"
    sizes = re.findall("([1-9][0-9]*):([1-9][0-9]*)(?:,|$)", args.sizes or usual)
    if args.sizes and ",".join(map(":".join, sizes)) != args.sizes:
        parser.error(f"--sizes {args.sizes} is not of the form 1000:100,5000:400")
    if not re.fullmatch("cpu|cuda(:[0-9]+)?", args.device):
        parser.error(f"--device {args.device} is neither cpu nor a GPU such as cuda:0")
    if not 1 <= args.threads <= (os.cpu_count() or 1):
        parser.error(f"--threads {args.threads} is not between 1 and {os.cpu_count()}")
    try:
        device, dtype = torch.zeros(1, device=args.device).device, getattr(torch, args.dtype)
        torch.set_num_threads(args.threads)
        out = open(args.out, "w") if args.out else None
    except (AssertionError, RuntimeError, OSError) as error:
        parser.error(str(error).splitlines()[0])
    if args.check:
        sys.exit(wrong(Problem(7, 5, dtype, device)))
    info = open("/proc/cpuinfo").read() if os.path.exists("/proc/cpuinfo") else ""
    cpu = re.search("model name\\s*: (.*)|$", info)[1] or "CPU"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu
    facts = {"library": f"PyTorch {torch.__version__}", "device": name}
    facts |= {"dtype": args.dtype, "threads": args.threads}
    print(", ".join(f"{key}: {value}" for key, value in facts.items()))
    print(f"{'work':34}{'n':>7}{'h':>6}{'ms':>12}")
    rows = []
    for n, h in [(int(n), int(h)) for n, h in sizes]:
        for work, run in Problem(n, h, dtype, device).works():
            rows.append({"work": work, "n": n, "h": h, "seconds": seconds(run, device), **facts})
            print(f"{work:34}{n:7}{h:6}{1e3 * rows[-1]['seconds']:12.2f}", flush=True)
    if out:
        print(json.dumps(rows, indent=1), file=out, flush=True)

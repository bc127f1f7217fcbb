"""Document 001, lived through: its formulas checked by three witnesses, its network trained, its pictures drawn.

Source: Peter Roelants, "How to implement a neural network, part 4: Vectorization of the backpropagation algorithm". The
claims carry the numbers R-11 to R-23 under which this project lists the formulas of its documents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import microgradnp as mg
from microgradnp.files import write_whole
from microgradnp.optim import SGD, sgd
from microgradnp.verify.report import STYLES, SYMBOLS, Report

Array = Any
Parameters = dict[str, Array]


# -- the data and the network, as the document has them --------------------------------------------------------------


def dataset() -> tuple[Array, Array, Array, np.random.RandomState]:
    """Return the points (100, 2), their classes (100,), the targets (100, 2), and the stream that drew them."""
    stream = np.random.RandomState(1)
    X, t = mg.data.circles(n_samples=100, shuffle=False, factor=0.3, noise=0.1, random_state=stream)
    T = np.zeros((100, 2))
    T[t == 1, 1] = 1
    T[t == 0, 0] = 1
    return X, t, T, stream


def initial(stream: np.random.RandomState, scale: float) -> Parameters:
    """Return the parameters in the order in which the document draws them."""
    bh = stream.randn(1, 3) * scale
    Wh = stream.randn(2, 3) * scale
    bo = stream.randn(1, 2) * scale
    Wo = stream.randn(3, 2) * scale
    return {"Wh": Wh, "bh": bh, "Wo": Wo, "bo": bo}


def logistic(z: Array) -> Array:
    """Return the logistic function of the document."""
    return 1.0 / (1.0 + np.exp(-z))


def softmax(z: Array) -> Array:
    """Return the softmax of the document."""
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


def network(X: Array, T: Array, Wh: Array, bh: Array, Wo: Array, bo: Array) -> Array:
    """Return the loss of the 2-3-2 network: NumPy code that runs on arrays and on Tensors."""
    Zh = (X @ Wh) + bh
    H = logistic(Zh)
    Zo = (H @ Wo) + bo
    Y = softmax(Zo)
    loss = -(T * np.log(Y)).sum()
    return loss


def predict(X: Array, p: Parameters) -> Array:
    """Return the predicted class of each row of X."""
    H = logistic(X @ p["Wh"] + p["bh"])
    return np.argmax(softmax(H @ p["Wo"] + p["bo"]), axis=1)


# -- the claims ------------------------------------------------------------------------------------------------------

#: The document's momentum and learning rate.
MOMENTUM, RATE = 0.9, 0.02


@dataclass
class Numbered:
    """A claim with the number and the formula under which it is listed."""

    number: str
    formula: str
    name: str


def derivation() -> tuple[mg.Derivation, list[Numbered]]:
    """Return the document's derivation, and its claims by number."""
    d = mg.Derivation("Document 001: vectorised backpropagation, 2-3-2 network", seed=1)
    d.forward(network)
    listed: list[Numbered] = []

    def claim(
        number: str, formula: str, kind: Callable[..., Any], of: str, *args: Any, **options: Any
    ) -> Callable[..., Any]:
        def enter(function: Callable[..., Any]) -> Callable[..., Any]:
            kind(of, *args, function, **options)
            listed.append(Numbered(number, formula, options.get("name") or function.__name__))
            return function

        return enter

    @claim("R-11", "y = exp(z) / Σ exp(z), row by row", d.value, "Y")
    def softmax_rows(Zo: Array) -> Array:
        return np.stack([np.exp(z) / np.sum(np.exp(z)) for z in Zo])

    @claim("R-12", "ξ = -Σᵢ Σ_c t log y", d.value, "loss")
    def xi(T: Array, Y: Array) -> Array:
        return -sum(T[i, c] * np.log(Y[i, c]) for i in range(T.shape[0]) for c in range(T.shape[1]))

    @claim("R-13", "δo = Y - T", d.gradient, "Zo")
    def Eo(Y: Array, T: Array) -> Array:
        return Y - T

    @claim("R-14", "∂ξ/∂w_oj = Σᵢ h_ij δ_oi", d.gradient, "Wo[j, :]")
    def JWo_rows(j: int, H: Array, Eo: Array) -> Array:
        return sum(H[i, j] * Eo[i] for i in range(H.shape[0]))

    @claim("R-15", "∂ξ/∂Wo = Hᵀ δo", d.gradient, "Wo")
    def JWo(H: Array, Eo: Array) -> Array:
        return H.T @ Eo

    @claim("R-16", "∂ξ/∂bo = Σᵢ δ_oi", d.gradient, "bo")
    def Jbo(Eo: Array) -> Array:
        return np.sum(Eo, axis=0, keepdims=True)

    @claim("R-17", "δ_hij = h(1-h) Σ_k w_ojk (y_ik - t_ik)", d.gradient, "Zh[i, j]")
    def Eh_elements(i: int, j: int, H: Array, Wo: Array, Y: Array, T: Array) -> Array:
        return H[i, j] * (1 - H[i, j]) * sum(Wo[j, k] * (Y[i, k] - T[i, k]) for k in range(2))

    @claim("R-18", "δh = H ∘ (1-H) ∘ (δo Woᵀ)", d.gradient, "Zh")
    def Eh(H: Array, Wo: Array, Eo: Array) -> Array:
        return np.multiply(np.multiply(H, (1 - H)), (Eo @ Wo.T))

    @claim("R-19", "∂ξ/∂Wh = Xᵀ δh", d.gradient, "Wh")
    def JWh(X: Array, Eh: Array) -> Array:
        return X.T @ Eh

    @claim("R-20", "∂ξ/∂bh = Σⱼ δ_hj", d.gradient, "bh")
    def Jbh(Eh: Array) -> Array:
        return np.sum(Eh, axis=0, keepdims=True)

    # once for each parameter. The right update is the optimizer's, whose velocity is -M / μ.
    new, moved = heavy_ball, heavy_ball_parameter
    d.update(
        "Wh",
        lambda parameter, gradient, MWh: new(parameter, gradient, MWh),
        name="MWh_new",
        function=lambda MWh, JWh: MOMENTUM * MWh - RATE * JWh,
    )
    d.update(
        "bh",
        lambda parameter, gradient, Mbh: new(parameter, gradient, Mbh),
        name="Mbh_new",
        function=lambda Mbh, Jbh: MOMENTUM * Mbh - RATE * Jbh,
    )
    d.update(
        "Wo",
        lambda parameter, gradient, MWo: new(parameter, gradient, MWo),
        name="MWo_new",
        function=lambda MWo, JWo: MOMENTUM * MWo - RATE * JWo,
    )
    d.update(
        "bo",
        lambda parameter, gradient, Mbo: new(parameter, gradient, Mbo),
        name="Mbo_new",
        function=lambda Mbo, Jbo: MOMENTUM * Mbo - RATE * Jbo,
    )
    d.update(
        "Wh",
        lambda parameter, gradient, MWh: moved(parameter, gradient, MWh),
        name="Wh_new",
        function=lambda Wh, MWh_new: Wh + MWh_new,
    )
    d.update(
        "bh",
        lambda parameter, gradient, Mbh: moved(parameter, gradient, Mbh),
        name="bh_new",
        function=lambda bh, Mbh_new: bh + Mbh_new,
    )
    d.update(
        "Wo",
        lambda parameter, gradient, MWo: moved(parameter, gradient, MWo),
        name="Wo_new",
        function=lambda Wo, MWo_new: Wo + MWo_new,
    )
    d.update(
        "bo",
        lambda parameter, gradient, Mbo: moved(parameter, gradient, Mbo),
        name="bo_new",
        function=lambda bo, Mbo_new: bo + Mbo_new,
    )
    listed += [Numbered("R-22", f"M' = λ M - μ ∂ξ/∂{of}", f"M{of}_new") for of in ("Wh", "bh", "Wo", "bo")]
    listed += [Numbered("R-23", f"{of}' = {of} + M'", f"{of}_new") for of in ("Wh", "bh", "Wo", "bo")]
    return d, listed


def heavy_ball_parameter(parameter: Array, gradient: Array, M: Array) -> Array:
    """Return the parameter after one step of the optimizer with momentum M."""
    return sgd(parameter, gradient, -M / RATE, lr=RATE, momentum=MOMENTUM)[0]


def heavy_ball(parameter: Array, gradient: Array, M: Array) -> Array:
    """Return the momentum after one step of the optimizer: -μ times its velocity."""
    return -RATE * sgd(parameter, gradient, -M / RATE, lr=RATE, momentum=MOMENTUM)[1]


def central_differences() -> tuple[mg.Derivation, list[Numbered]]:
    """Return the claim R-21 for each parameter: the document's numerical gradient, an approximation.

    The document compares with np.isclose, whose relative tolerance is 1e-5.
    """
    d = mg.Derivation("Document 001: its gradient check", tolerance=1e-5, seed=1)
    d.forward(network)

    def numerical(X: Array, T: Array, parameters: Parameters, of: str, eps: float = 1e-4) -> Array:
        gradient = np.zeros_like(parameters[of])
        for index in np.ndindex(gradient.shape):
            shifted = {sign: {k: v.copy() for k, v in parameters.items()} for sign in (-1, 1)}
            for sign in (-1, 1):
                shifted[sign][of][index] += sign * eps
            gradient[index] = (network(X, T, **shifted[1]) - network(X, T, **shifted[-1])) / (2 * eps)
        return gradient

    listed = []
    for of in ("Wh", "bh", "Wo", "bo"):

        def claim(X: Array, T: Array, Wh: Array, bh: Array, Wo: Array, bo: Array, of: str = of) -> Array:
            return numerical(X, T, {"Wh": Wh, "bh": bh, "Wo": Wo, "bo": bo}, of)

        d.gradient(of, claim, name=f"numerical_{of}")
        listed.append(Numbered("R-21", f"∂ξ/∂{of} ≈ (ξ(θ+ε) - ξ(θ-ε)) / 2ε", f"numerical_{of}"))
    return d, listed


# -- training --------------------------------------------------------------------------------------------------------


def train(
    X: Array,
    T: Array,
    parameters: Parameters,
    iterations: int = 300,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[list[float], Parameters]:
    """Return the losses before the first and after every update, and the trained parameters."""
    tensors = {name: mg.tensor(value, requires_grad=True, name=name) for name, value in parameters.items()}
    optimizer = SGD(tensors.values(), lr=RATE, momentum=MOMENTUM)
    losses = []
    for i in range(iterations + 1):
        loss = network(X, T, **tensors)
        losses.append(loss.item())
        if progress is not None:
            progress(i, losses[-1])
        if i < iterations:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return losses, {name: t.numpy() for name, t in tensors.items()}


# -- the whole demonstration -----------------------------------------------------------------------------------------


def run(out: Path) -> bool:
    """Check, train and draw; write pictures and verdicts to `out`. Return whether every claim was judged right."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(highlight=False)
    if not console.is_terminal:  # a file or a pipe has no width to respect
        console = Console(highlight=False, width=120)
    out.mkdir(parents=True, exist_ok=True)
    X, t, T, stream = dataset()
    p = initial(stream, 1.0)

    rows = verified(X, T, p)
    report, numerical_report = dict.fromkeys(report for _, report in rows)
    table = claims_table(rows)
    console.print(table)
    ok = report.ok and numerical_report.ok

    check = mg.check_gradients(network, X, T, *p.values(), argnums=(2, 3, 4, 5))
    console.print("No gradient errors found" if check.ok and numerical_report.ok else str(check))

    start = initial(stream, 0.1)
    bar = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.5f}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("training", total=300, loss=float("nan"))
        losses, trained = train(X, T, start, progress=lambda i, loss: bar.update(task, completed=i, loss=loss))
    accuracy = float(np.mean(predict(X, trained) == t))
    console.print(
        f"loss {losses[0]:.5f} before training, {losses[-1]:.5f} after 300 iterations; accuracy {accuracy:.2f}"
    )

    files = pictures(out, report, X, t, losses, trained)
    text = "\n".join([rendered(table), str(report), str(numerical_report), str(check), ""])
    write_whole(out / "verdicts.txt", text)
    for path, what in [*files, (out / "verdicts.txt", "the verdicts as text")]:
        console.print(f"wrote {path}: {what}", soft_wrap=True)
    return ok and check.ok


def pictures(
    out: Path, report: Report, X: Array, t: Array, losses: list[float], p: Parameters
) -> list[tuple[Path, str]]:
    """Draw the graph, the data, the loss, the decision regions and the hidden layer."""
    from microgradnp.draw import training

    names = ["star (t = 0)", "circle (t = 1)"]
    H = logistic(X @ p["Wh"] + p["bh"])
    report.draw().save(out / "graph.svg")
    drawn = [
        (
            "scatter.png",
            "the classes in the input space",
            training.scatter_classes(X, t, names=names, title="Classes in the input space"),
        ),
        (
            "loss.png",
            "the loss, iteration by iteration",
            training.loss_curve(losses, title="Loss over 300 iterations with momentum"),
        ),
        (
            "regions.png",
            "the decision regions",
            training.decision_regions(
                lambda points: predict(points, p),
                X,
                t,
                names=names,
                extent=(-1.5, 1.5, -1.5, 1.5),
                title="Decision regions",
            ),
        ),
        (
            "hidden.png",
            "the hidden layer",
            training.hidden_space(H, t, names=names, title="Projection on the hidden layer"),
        ),
    ]
    for file, _, axes in drawn:
        training.save(axes, out / file)
    return [(out / "graph.svg", "the graph with the verdicts"), *((out / file, what) for file, what, _ in drawn)]


def verified(X: Array, T: Array, p: Parameters) -> list[tuple[Numbered, Report]]:
    """Return every claim, by number, with the report that has its verdict."""
    # momenta that are not zero, as they are after some iterations: at zero a mistake in λ would not show
    momenta = {f"M{name}": 0.1 * (1.0 + np.arange(value.size).reshape(value.shape)) for name, value in p.items()}
    d, claims = derivation()
    report = d.verify(X=X, T=T, **p, **momenta)
    checked, numerical_claims = central_differences()
    numerical_report = checked.verify(X=X, T=T, **p)
    rows = [(c, report) for c in claims if c.number < "R-21"] + [(c, numerical_report) for c in numerical_claims]
    return rows + [(c, report) for c in claims if c.number > "R-21"]


def claims_table(
    rows: list[tuple[Numbered, Report]], title: str = "Document 001: what it claims, and three witnesses"
) -> Any:
    """Return every claim with its three witnesses as a rich table."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("id", no_wrap=True)
    table.add_column("claim", min_width=16)
    table.add_column("entry", no_wrap=True)
    for column in ("by hand", "autodiff", "differences", "error"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=9)
    for claim, report in rows:
        v = report.claim(claim.name)
        index, *values = v.witnesses(digits=6)
        verdict = Text(f"{SYMBOLS[v.status]} {v.status}", STYLES[v.status])
        table.add_row(claim.number, Text(claim.formula), index, *values, f"{v.error:.0e}", verdict)
    return table


def rendered(table: Any) -> str:
    """Return a rich table as plain text."""
    import io

    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=140, no_color=True).print(table)
    return stream.getvalue()

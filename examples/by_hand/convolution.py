"""Convolution by loops, by im2col and by einsum, and max pooling."""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(3)


def loops(x, w, b, target):
    n, _, height, width = x.shape
    out_channels, _, kh, kw = w.shape
    rows = []
    for i in range(height - kh + 1):
        for j in range(width - kw + 1):
            patch = x[:, :, i : i + kh, j : j + kw]
            rows.append(np.sum(patch[:, None] * w[None], axis=(2, 3, 4)) + b)
    out = np.stack(rows, axis=2).reshape(n, out_channels, height - kh + 1, width - kw + 1)
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def loops_backward(x, w, out, target):
    kh, kw = w.shape[2:]
    dout = out - target
    db = dout.sum(axis=(0, 2, 3))
    dw, dx = np.zeros_like(w), np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            g = dout[:, :, i, j]
            dw += np.einsum("no,ncij->ocij", g, x[:, :, i : i + kh, j : j + kw])
            dx[:, :, i : i + kh, j : j + kw] += np.einsum("no,ocij->ncij", g, w)
    return {"dout": dout, "db": db, "dw": dw, "dx": dx}


def im2col(x, w, b, target):
    cols = np.stack([x[:, i : i + 3] for i in range(x.shape[1] - 2)], axis=1)
    out = cols @ w + b
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def im2col_backward(x, w, cols, out, target):
    dout = out - target
    db = dout.sum(axis=(0, 1))
    dw = np.einsum("npk,npo->ko", cols, dout)
    dcols = dout @ w.T
    dx = np.zeros_like(x)
    for i in range(cols.shape[1]):
        dx[:, i : i + 3] += dcols[:, i]
    return {"dout": dout, "db": db, "dw": dw, "dcols": dcols, "dx": dx}


def max_pool(x, target):
    n, height, width = x.shape
    windows = x.reshape(n, height // 2, 2, width // 2, 2)
    out = windows.max(axis=(2, 4))
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def max_pool_backward(x, windows, out, target):
    dout = out - target
    mask = windows == out[:, :, None, :, None]
    dwindows = mask * dout[:, :, None, :, None]
    dx = dwindows.reshape(x.shape)
    return {"dout": dout, "dwindows": dwindows, "dx": dx}


images = {"x": rng.normal(size=(2, 2, 4, 4)), "w": rng.normal(size=(3, 2, 2, 2)), "b": rng.normal(size=3)}
images["target"] = rng.normal(size=(2, 3, 3, 3))
signals = {"x": rng.normal(size=(2, 6)), "w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
signals["target"] = rng.normal(size=(2, 4, 2))
pooled = {"x": rng.normal(size=(2, 4, 4)), "target": rng.normal(size=(2, 2, 2))}

STUDIES = [
    Study("convolution by loops", loops, loops_backward, images, [
        Mistake("overlaps overwritten", "dx[:, :, i : i + kh, j : j + kw] +=", "dx[:, :, i : i + kh, j : j + kw] =", "dx", "missing-term"),
        Mistake("the kernel not summed over positions", "dw += np.einsum", "dw = np.einsum", "dw", "missing-term"),
        Mistake("the kernel turned round", "np.einsum(\"no,ocij->ncij\", g, w)", "np.einsum(\"no,ocij->ncij\", g, w[:, :, ::-1, ::-1])", "dx", "shifted-index"),
        Mistake("a mean over the positions for the bias", "db = dout.sum(axis=(0, 2, 3))", "db = dout.mean(axis=(2, 3)).sum(axis=0)", "db", "scale"),
        Mistake("the bias summed over positions only", "db = dout.sum(axis=(0, 2, 3))", "db = dout[0].sum(axis=(1, 2))", "db", "missing-term"),
    ]),
    Study("convolution by im2col", im2col, im2col_backward, signals, [
        Mistake("col2im overwrites the overlap", "dx[:, i : i + 3] += dcols[:, i]", "dx[:, i : i + 3] = dcols[:, i]", "dx", "missing-term"),
        Mistake("col2im shifted by one", "dx[:, i : i + 3] += dcols[:, i]", "dx[:, i : i + 3] += dcols[:, i - 1]", "dx", "shifted-index"),
        Mistake("the bias over the batch only", "db = dout.sum(axis=(0, 1))", "db = dout.sum(axis=1)", "db", "broadcast"),
        Mistake("a mean over the batch", "dw = np.einsum(\"npk,npo->ko\", cols, dout)", "dw = np.einsum(\"npk,npo->ko\", cols, dout) / len(x)", "dw", "scale"),
    ]),
    Study("max pooling", max_pool, max_pool_backward, pooled, [
        Mistake("the gradient spread over the window, as for a mean", "mask * dout[:, :, None, :, None]", "np.ones_like(windows) * dout[:, :, None, :, None] / 4", "dwindows", "wrong-mask"),
        Mistake("the mask inverted", "windows == out", "windows != out", "dwindows", "wrong-mask"),
        Mistake("the mask forgotten", "mask * dout[:, :, None, :, None]", "np.ones_like(windows) * dout[:, :, None, :, None]", "dwindows", "wrong-mask"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)

"""Images: 3 x 3 convolution by einsum over shifted views, 2 x 2 mean pooling, a linear read-out."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("conv2d and mean pooling")


@d.forward
def cnn(img, K, bias, V):
    N, H, W = img.shape[0], img.shape[2] - 2, img.shape[3] - 2
    fm = sum(
        np.einsum("nchw,oc->nohw", img[:, :, i : i + H, j : j + W], K[:, :, i, j]) for i in range(3) for j in range(3)
    )
    fm = fm + bias[:, None, None]
    act = np.tanh(fm)
    pooled = act.reshape(N, K.shape[0], H // 2, 2, W // 2, 2).mean(axis=(3, 5))
    loss = np.sum(pooled * V)
    return loss


@d.backward
def back(img, K, V, act):
    H, W = act.shape[2:]
    dact = np.repeat(np.repeat(np.broadcast_to(V, (len(img), *V.shape)), 2, axis=2), 2, axis=3) / 4
    dfm = dact * (1 - act**2)
    dbias = dfm.sum(axis=(0, 2, 3))
    dK = np.zeros_like(K)
    dimg = np.zeros_like(img)
    for i in range(3):
        for j in range(3):
            dK[:, :, i, j] = np.einsum("nohw,nchw->oc", dfm, img[:, :, i : i + H, j : j + W])
            dimg[:, :, i : i + H, j : j + W] += np.einsum("nohw,oc->nchw", dfm, K[:, :, i, j])
    return {"act": dact, "bias": dbias, "K": dK, "img": dimg}


def inputs(rng):
    return {
        "img": rng.normal(size=(2, 3, 6, 8)),
        "K": 0.4 * rng.normal(size=(3, 3, 3, 3)),
        "bias": rng.normal(size=3),
        "V": rng.normal(size=(3, 2, 3)),
    }


# fmt: off
MISTAKES = [
    ("act", "axis=3) / 4", "axis=3)", "scale"),
    ("act", "axis=3) / 4", "axis=3) / 2", "scale"),
    ("bias|K", "dact * (1 - act**2)", "dact", "missing-activation-derivative"),
    ("bias", "dfm.sum(axis=(0, 2, 3))", "dfm.mean(axis=(0, 2, 3))", "scale|axis"),
    ("bias", "dfm.sum(axis=(0, 2, 3))", "dfm.sum(axis=(2, 3))", "axis|broadcast|shape"),
    ("bias", "dfm.sum(axis=(0, 2, 3))", "dfm.sum(axis=(0, 2, 3))[:, None, None]", "shape"),
    ("bias", "dfm.sum(axis=(0, 2, 3))", "dact.sum(axis=(0, 2, 3))", "missing-activation-derivative"),
    ("K", "dfm, img[:, :, i : i + H, j : j + W])", "dfm, img[:, :, 2 - i : 2 - i + H, 2 - j : 2 - j + W])", "shifted-index|transpose"),
    ("K", "\"nohw,nchw->oc\"", "\"nohw,nchw->co\"", "transpose"),
    ("img", "dimg[:, :, i : i + H, j : j + W] += ", "dimg[:, :, i : i + H, j : j + W] = ", "missing-term"),
    ("img", "\"nohw,oc->nchw\"", "\"nchw,oc->nohw\"", "transpose"),
    ("img", "dfm, K[:, :, i, j])", "dfm, K[:, :, 2 - i, 2 - j])", "shifted-index|transpose|wrong-operand"),
    ("img", "dfm, K[:, :, i, j])", "dfm, K[:, :, j, i])", "transpose"),
]
RIGHT = [("dfm.sum(axis=(0, 2, 3))", "np.einsum('nohw->o', dfm)")]

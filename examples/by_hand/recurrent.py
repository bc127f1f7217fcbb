"""An LSTM cell, and an LSTM over time."""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(2)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cell(x, h_prev, c_prev, W, U, b, target):
    D = h_prev.shape[1]
    z = x @ W + h_prev @ U + b
    i = sigmoid(z[:, :D])
    f = sigmoid(z[:, D : 2 * D])
    o = sigmoid(z[:, 2 * D : 3 * D])
    g = np.tanh(z[:, 3 * D :])
    c = f * c_prev + i * g
    tc = np.tanh(c)
    h = o * tc
    loss = 0.5 * np.sum((h - target) ** 2)
    return loss


def cell_backward(x, h_prev, c_prev, W, U, i, f, o, g, tc, h, target):
    dh = h - target
    do = dh * tc
    dc = dh * o * (1 - tc**2)
    df = dc * c_prev
    dc_prev = dc * f
    di = dc * g
    dg = dc * i
    dz = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)], axis=1)
    dW = x.T @ dz
    dU = h_prev.T @ dz
    db = dz.sum(axis=0)
    dx = dz @ W.T
    dh_prev = dz @ U.T
    return {"dh": dh, "do": do, "dc": dc, "df": df, "dc_prev": dc_prev, "di": di, "dg": dg, "dz": dz, "dW": dW,
            "dU": dU, "db": db, "dx": dx, "dh_prev": dh_prev}  # fmt: skip


def lstm(x, W, U, b, targets):
    D = U.shape[0]
    h = np.zeros((x.shape[1], D))
    c = np.zeros((x.shape[1], D))
    loss = 0.0
    hs, cs, gates = [h], [c], []
    for t in range(len(x)):
        z = x[t] @ W + h @ U + b
        i, f, o, g = sigmoid(z[:, :D]), sigmoid(z[:, D : 2 * D]), sigmoid(z[:, 2 * D : 3 * D]), np.tanh(z[:, 3 * D :])
        c = f * c + i * g
        h = o * np.tanh(c)
        gates.append((i, f, o, g))
        hs.append(h)
        cs.append(c)
        loss = loss + 0.5 * np.sum((h - targets[t]) ** 2)
    return loss


def lstm_backward(x, W, U, hs, cs, gates, targets):
    dW, dU, db, dx = np.zeros_like(W), np.zeros_like(U), np.zeros(W.shape[1]), np.zeros_like(x)
    dh_next, dc_next = np.zeros_like(hs[0]), np.zeros_like(cs[0])
    for t in reversed(range(len(x))):
        i, f, o, g = gates[t]
        tc = np.tanh(cs[t + 1])
        dh = hs[t + 1] - targets[t] + dh_next
        dc = dh * o * (1 - tc**2) + dc_next
        dz = np.concatenate([
            dc * g * i * (1 - i), dc * cs[t] * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g**2)
        ], axis=1)  # fmt: skip
        dW += x[t].T @ dz
        dU += hs[t].T @ dz
        db += dz.sum(axis=0)
        dx[t] = dz @ W.T
        dh_next = dz @ U.T
        dc_next = dc * f
    return {"dU": dU, "dW": dW, "db": db, "dx": dx}


step = {"x": rng.normal(size=(2, 3)), "h_prev": rng.normal(size=(2, 2)), "c_prev": rng.normal(size=(2, 2))}
step |= {"W": rng.normal(size=(3, 8)), "U": rng.normal(size=(2, 8)), "b": rng.normal(size=8)}
step["target"] = rng.normal(size=(2, 2))
sequence = {"x": rng.normal(size=(3, 2, 3)), "W": step["W"], "U": step["U"], "b": step["b"]}
sequence["targets"] = rng.normal(size=(3, 2, 2))

STUDIES = [
    Study("an LSTM cell", cell, cell_backward, step, [
        Mistake("tanh's derivative at the cell forgotten", "dc = dh * o * (1 - tc**2)", "dc = dh * o", "dc", "missing-activation-derivative"),
        Mistake("the input gate for the forget gate", "dc_prev = dc * f", "dc_prev = dc * i", "dc_prev", "wrong-operand"),
        Mistake("the candidate derived as a logistic gate", "dg * (1 - g**2)", "dg * g * (1 - g)", "dz", "surrogate-derivative"),
        Mistake("the output gate not derived", "do * o * (1 - o)", "do", "dz", "missing-activation-derivative"),
        Mistake("the gates in another order", "[di * i * (1 - i), df * f * (1 - f),", "[df * f * (1 - f), di * i * (1 - i),", "dz", "wrong-operand"),
        Mistake("bias over the wrong axis", "db = dz.sum(axis=0)", "db = dz.sum(axis=1)", "db", "axis"),
        Mistake("U gets the input instead of the state", "dh_prev = dz @ U.T", "dh_prev = (dz @ W.T)[:, :2]", "dh_prev", "wrong-operand"),
    ]),
    Study("an LSTM over time", lstm, lstm_backward, sequence, [
        Mistake("the cell's gradient does not flow back in time", " + dc_next", "", "dU", "missing-term"),
        Mistake("the forget gate forgotten on the way back", "dc_next = dc * f", "dc_next = dc", "dU", "missing-factor"),
        Mistake("the state's gradient does not flow back in time", " + dh_next", "", "dU", "missing-term"),
        Mistake("the state after the step instead of before", "dU += hs[t].T @ dz", "dU += hs[t + 1].T @ dz", "dU", "shifted-index"),
        Mistake("overwritten instead of accumulated", "dW += x[t].T @ dz", "dW = x[t].T @ dz", "dW", "missing-term"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)

"""The playback page: what it is made of, and what a browser shows when its slider is moved."""

import json
import os
import re
import time

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.draw.playback_page import packing, playback
from tests.draw import browser as chromium

EPOCHS = 12
LOSS = 4.0 / (1 + np.arange(EPOCHS))
ACCURACY = np.linspace(0.5, 1.0, EPOCHS)
X = np.array([[-1.0, -1.0], [-0.5, 0.5], [0.5, -0.5], [1.0, 1.0]])
LABELS = [0, 0, 1, 1]
CHANGES = {"W1": np.linspace(0, -30, EPOCHS), "b1": np.linspace(0, 12, EPOCHS) ** 2}
#: Class 0 grows from left to right with the epochs.
BORDERS = np.linspace(-0.9, 0.9, EPOCHS)
HOSTILE = '</script><img src=x onerror="window.evil=1"><b class="evil">&amp; $title {{x}}\u2028'


def hidden(units, epochs=EPOCHS, n=4):
    return np.random.default_rng(units).normal(size=(epochs, n, units)) * np.arange(1, epochs + 1)[:, None, None]


def whole(**changed):
    """A page with all its parts."""
    parts = {
        "loss": LOSS,
        "metrics": {"accuracy": ACCURACY, "error": {"training": LOSS, "validation": 2 * LOSS}},
        "hidden": hidden(3),
        "regions": lambda i, grid: grid[:, 0] > BORDERS[i],
        "extent": (-2, 2, -2, 2),
        "points": X,
        "labels": LABELS,
        "changes": CHANGES,
        "activations": {"hidden": hidden(3), "output": LOSS},
        "title": "Whole",
    }
    return playback(10 * np.arange(EPOCHS), **parts | changed)


def recording(page):
    return json.loads(re.search(r'class="recording">(.*?)</script>', page.html, re.DOTALL)[1])


def unpack(packed):
    kinds = {"u1": "<u1", "u2": "<u2", "u4": "<u4", "f8": "<f8"}
    import base64

    return np.frombuffer(base64.b64decode(packed["data"]), kinds[packed["type"]])


# -- the page, without a browser -------------------------------------------------------------------------------------


def test_it_is_a_picture_of_the_room():
    assert mg.draw.playback is playback
    assert "playback" in dir(mg.draw)
    assert repr(playback(loss=[1.0])) == '<Playback of 1 epoch: loss; .save("playback.html") writes it>'


def test_the_same_run_gives_the_same_bytes(tmp_path):
    first, second = (whole().save(tmp_path / name).read_bytes() for name in ("a.html", "b.HTM"))
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.HTM"]


def test_no_address_is_in_the_page():
    text = re.sub(r'"data":"[^"]*"', "", whole().html)
    assert re.findall(r"https?:|//\w|url\(|@import|\bfetch\b|XMLHttp|import\(", text) == []


def test_a_file_needs_its_ending_and_its_folder(tmp_path):
    with pytest.raises(ValueError, match=r"must end with \.html"):
        whole().save(tmp_path / "page.png")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*; make it first"):
        whole().save(tmp_path / "none" / "page.html")


def test_texts_are_no_markup():
    texts = {"title": HOSTILE, "names": [HOSTILE] * 2, "changes": {HOSTILE: LOSS}, "changes_title": HOSTILE}
    texts |= {"changes_unit": HOSTILE, "metrics": {HOSTILE: {HOSTILE: LOSS}}, "activations": {HOSTILE: LOSS}}
    page = whole(**texts)
    assert page.html.count("<script") == page.html.count("</script") == 2
    assert "<img" not in page.html
    assert "<b" not in page.html.replace("<body", "").replace("<button", "")
    assert "<script" not in page._repr_html_()
    assert recording(page)["changes"]["names"] == [HOSTILE]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "nothing to play"),
        ({"loss": LOSS[:3], "epochs": range(4)}, r"loss must have shape \(4,\), one number for each epoch, got \(3,\)"),
        ({"loss": {"training": LOSS, "validation": LOSS[1:]}}, r"loss\['validation'\] must have shape \(12,\).*got \(11,\)"),
        ({"loss": 1.0}, "loss must have an axis of epochs, got a single number"),
        ({"loss": []}, "loss is empty: there is nothing to play"),
        ({"loss": ["a"]}, "loss must be an array of real numbers"),
        ({"loss": LOSS + 1j}, "loss must be an array of real numbers"),
        ({"loss": LOSS, "metrics": {"loss": LOSS}}, "would be one plot"),
        ({"metrics": {"accuracy": ACCURACY[None]}, "epochs": range(EPOCHS)}, r"metrics\['accuracy'\] must have shape"),
        ({"loss": LOSS[:2], "epochs": [1, 1]}, "epochs must be finite and increasing"),
        ({"loss": LOSS, "curve_epochs": range(5)}, "give epochs, their numbers"),
        ({"changes": CHANGES, "loss": LOSS, "curve_epochs": range(5)}, r"loss must have shape \(5,\)"),
        ({"changes": CHANGES, "loss": LOSS, "curve_epochs": LOSS}, "curve_epochs must be finite and increasing"),
        ({"loss": LOSS, "epochs": [[1]]}, r"epochs must be a row.*got shape \(1, 1\)"),
        ({"hidden": X}, r"hidden must have shape \(4, n, k\): 4 epochs, n points, k units; got \(4, 2\)"),
        ({"hidden": hidden(3), "points": X[:3]}, r"hidden of shape \(12, 4, 3\) has 4, and points of shape \(3, 2\) has 3"),
        ({"loss": LOSS, "points": LOSS}, r"points must have shape \(n, 2\), got \(12,\)"),
        ({"loss": LOSS, "labels": LABELS}, "neither points nor hidden is given"),
        ({"loss": LOSS, "points": X, "labels": [0, 1]}, r"labels must have shape \(4,\).*got \(2,\)"),
        ({"loss": LOSS, "points": X, "labels": [[0], [0], [1], [1]]}, r"got \(4, 1\): take labels.ravel\(\)"),
        ({"loss": LOSS, "points": X, "labels": np.eye(4)}, "one-hot rows take"),
        ({"loss": LOSS, "points": X, "labels": [0, 1, 2, 0.5]}, "labels must be classes 0, 1, .*one is 0.5"),
        ({"loss": LOSS, "points": X, "labels": [0, 1, 2, -1]}, "labels must be classes 0, 1, .*one is -1"),
        ({"loss": LOSS, "points": X, "labels": LABELS, "names": ["one"]}, "names has 1 entries, but the classes go up to 1"),
        ({"loss": LOSS, "points": np.full((2, 2), np.nan)}, "no points to take the range from"),
        ({"regions": np.zeros((2, 5, 5))}, "regions need extent="),
        ({"regions": np.zeros((2, 5)), "extent": (0, 1, 0, 1)}, r"regions must have shape \(2, h, w\).*got \(2, 5\)"),
        ({"regions": np.zeros((2, 5, 5, 3)), "extent": (0, 1, 0, 1)}, "argmax"),
        ({"regions": np.full((2, 5, 5), 0.3), "extent": (0, 1, 0, 1)}, r"regions must be classes.*one is 0\.3"),
        ({"regions": np.zeros((2, 5, 5)), "extent": (1, 0, 0, 1)}, "extent must be"),
        ({"loss": LOSS, "points": X, "regions": lambda i, grid: grid}, r"for each of the 3600 places, shape \(3600,\), got \(3600, 2\)"),
        ({"regions": lambda i, grid: grid[:, 0]}, "give epochs"),
        ({"loss": LOSS, "points": X, "regions": lambda i, grid: grid[:, 0] > 0, "resolution": 1}, "resolution"),
        ({"changes": {"W": LOSS[:1], "b": LOSS}}, r"changes\['b'\] must have shape \(1,\)"),
        ({"activations": {"h": LOSS}, "epochs": range(3)}, r"activations\['h'\] must have shape \(3, \.\.\.\)"),
        ({"loss": LOSS, "frames": 0}, "frames must be a whole number of at least 1, got 0"),
        ({"loss": LOSS, "start": np.nan}, "start must be a number"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        playback(**wrong)


def test_a_row_where_names_belong_is_named():
    with pytest.raises(TypeError, match=r"changes must map names to arrays.*got ndarray"):
        playback(changes=LOSS)


def test_the_usual_page_is_small():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(300, 2)), rng.integers(0, 2, 300)
    page = playback(
        loss=rng.uniform(size=100), hidden=rng.normal(size=(100, 300, 3)), points=x, labels=labels,
        regions=lambda i, grid: np.sum(grid**2, axis=1) > 0.02 * i, metrics={"accuracy": rng.uniform(size=100)},
        changes={f"W{i}": rng.uniform(size=100) for i in range(4)}, activations={"h": rng.normal(size=(100, 300, 3))},
    )  # fmt: skip
    assert len(page.html) < 500_000


def test_a_long_run_is_thinned_evenly_and_says_so():
    rng = np.random.default_rng(0)
    page = playback(loss=np.arange(5000.0), hidden=rng.normal(size=(5000, 300, 3)).astype(np.float32))
    made = recording(page)
    epochs = unpack(made["epochs"])
    assert len(page.html) < 3_300_000
    assert (epochs[0], epochs[-1]) == (0, 4999)
    assert np.ptp(np.diff(epochs)) <= 1
    assert made["notes"] == [f"The slider stops at {len(epochs):,} of 5,000 recorded epochs, evenly chosen."]


def test_frames_are_as_many_as_are_asked_for():
    assert unpack(recording(whole(frames=3))["epochs"]).tolist() == [0, 60, 110]
    assert recording(whole(frames=100))["notes"] == []


def test_many_points_are_thinned_together():
    x = np.random.default_rng(0).normal(size=(5000, 2))
    made = recording(playback(hidden=x[None], points=x, labels=np.arange(5000) % 3))
    assert made["notes"] == ["2,000 of 5,000 points are drawn, evenly chosen."]
    assert len(unpack(made["labels"])) == 2000
    drawn = unpack(made["regions"]["points"]).reshape(2000, 2)
    low, high, codes = (unpack(made["hidden"][name]) for name in ("low", "high", "codes"))
    np.testing.assert_allclose(low + (high - low) * codes.reshape(2000, 2) / 65534, drawn, atol=1e-3)


def test_a_peak_stays_in_a_long_curve():
    loss = np.ones(50_000)
    loss[[12_345, 23_456]] = 7.0, -5.0
    loss[40_000:] = np.nan
    (series,) = recording(playback(loss=loss))["curves"][0]["series"]
    x, y = unpack(series["x"]), unpack(series["y"])
    assert len(x) < 4100
    assert (y[x == 12_345], y[x == 23_456]) == (7.0, -5.0)
    assert np.isnan(y[x == 40_000])


def test_coordinates_keep_sixteen_bits_of_each_epoch():
    values = np.random.default_rng(0).normal(size=(3, 50, 2)) * np.array([1e-3, 1.0, 1e200])[:, None, None]
    values[1, 4, 0] = np.nan
    values[2, 5, 1] = np.inf
    made = packing.coordinates(values)
    low, high, codes = (unpack(made[name]) for name in ("low", "high", "codes"))
    back = low.reshape(3, 1, 2) + (high - low).reshape(3, 1, 2) * (codes.reshape(3, 50, 2) / 65534)
    lost = codes.reshape(3, 50, 2) == packing.BROKEN
    assert np.argwhere(lost).tolist() == [[1, 4, 0], [2, 5, 1]]
    span = np.where(np.isfinite(values), values, 0)
    assert (np.abs(back - values)[~lost] <= 1e-5 * np.ptp(span, axis=1, keepdims=True).repeat(50, 1)[~lost]).all()


def test_runs_give_the_grids_back():
    grids = np.random.default_rng(0).integers(0, 3, size=(4, 5, 6)).astype(np.uint8)
    grids[2] = 1
    grids[3] = 1
    made = packing.runs(grids)
    runs, lengths, starts = (unpack(made[name]) for name in ("runs", "lengths", "starts"))
    for i in range(4):
        own = slice(starts[i], starts[i + 1])
        assert np.repeat(runs[own], lengths[own]).tolist() == grids[i].ravel().tolist()


def test_principal_components_are_those_of_all_epochs():
    x = np.random.default_rng(0).normal(size=(6, 40, 7)) * np.arange(1, 8)
    points, shares = packing.principal(x)
    flat = x.reshape(-1, 7) - x.reshape(-1, 7).mean(axis=0)
    _, sizes, axes = np.linalg.svd(flat, full_matrices=False)
    np.testing.assert_allclose(shares, (sizes**2 / np.sum(sizes**2))[:3], rtol=1e-10)
    np.testing.assert_allclose(np.abs(points.reshape(-1, 3)), np.abs(flat @ axes[:3].T), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 1, 4), (1, 2, 5), (2, 3, 4000), (3, 0, 4)])
def test_principal_components_of_few_points(shape):
    points, shares = packing.principal(np.random.default_rng(0).normal(size=shape))
    assert points.shape == (*shape[:2], 3)
    assert np.isfinite(points).all()
    assert all(0 <= share <= 1 + 1e-12 or np.isnan(share) for share in shares)


def test_activations_are_counted_over_one_range():
    made = packing.spread({"a": np.array([[0.0, 0.0, 1.0, np.nan]]), "b": np.array([[4.0]])})
    assert (made["low"], made["high"]) == (0.0, 4.0)
    counts = unpack(made["counts"]).reshape(2, packing.BINS)
    assert (counts[0, 0], counts[0, 10], counts[1, -1]) == (255, 128, 255)
    assert unpack(made["summary"]).tolist() == [0.0, 0.0, 1.0, 1.0, 4.0, 4.0, 4.0, 0.0]


# -- the page, in a browser ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def running():
    program = chromium.installed()
    if program is None:
        reason = f"no browser: none of {', '.join(chromium.NAMES)} is installed"
        if os.environ.get("MICROGRADNP_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    started = chromium.Browser(program)
    yield started
    started.close()


@pytest.fixture
def show(running, tmp_path):
    """Open a page; at the end of the test nothing may have gone wrong in it, and nothing been asked of a network."""
    pages = []

    def opened(made, **size):
        path = tmp_path / f"{len(pages)}.html"
        path.write_text(made if isinstance(made, str) else made.html, encoding="utf-8")
        pages.append((running.page(path.as_uri(), **size), path.as_uri()))
        return pages[-1][0]

    yield opened
    for page, uri in pages:
        page.painted()
        assert page.happened("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
        asked = {event["params"]["request"]["url"] for event in page.happened("Network.requestWillBeSent")}
        assert {url for url in asked if not url.startswith(("about:", "data:"))} <= {uri}
        page.close()


def seek(page, frame, root=".playback"):
    """Move the slider, as a hand would."""
    page.run(
        f"(() => {{ const slider = document.querySelector('{root} .epoch');"
        f"slider.value = {frame}; slider.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )
    page.painted()


def text(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def texts(page, selector):
    return page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")


def pixels(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).toDataURL()")


def box(page, selector):
    return page.run(
        f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
        "return {x: b.x + b.width / 2, y: b.y + b.height / 2, left: b.left, top: b.top, width: b.width, height: b.height}; })()"
    )


def number(value, digits=6):
    return f"{value:.{digits}g}".replace("-", "−")


def test_the_slider_shows_the_values_of_the_epoch(show):
    page = show(whole())
    for k in (0, 5, EPOCHS - 1):
        seek(page, k)
        assert text(page, ".now") == f"epoch {10 * k} of 110"
        loss, accuracy, *errors = texts(page, ".curves b")
        assert (loss, accuracy) == (number(LOSS[k]), number(ACCURACY[k]))
        assert errors == [number(LOSS[k]), number(2 * LOSS[k])]
        assert texts(page, ".changes .value") == [f"{number(v[k], 4)} %" for v in CHANGES.values()]
        assert texts(page, ".activations .value")[1] == number(LOSS[k], 4)
        spoken = page.run("document.querySelector('.epoch').getAttribute('aria-valuetext')")
        assert spoken.startswith(f"epoch {10 * k}, loss {number(LOSS[k])}, accuracy {number(ACCURACY[k])}")


def test_the_marker_stands_at_the_epoch(show):
    page = show(whole())
    places = []
    for k in range(EPOCHS):
        seek(page, k)
        places.append((box(page, ".marker")["x"], box(page, ".dot")["x"], box(page, ".dot")["y"]))
    line, x, y = np.array(places).T
    np.testing.assert_allclose((line - line[0]) / (line[-1] - line[0]), np.linspace(0, 1, EPOCHS), atol=0.01)
    np.testing.assert_allclose(x, line, atol=1.5)
    np.testing.assert_allclose((y - y[0]) / (y[-1] - y[0]), (LOSS - LOSS[0]) / (LOSS[-1] - LOSS[0]), atol=0.01)


def test_the_pictures_are_those_of_the_epoch_whatever_the_way_to_it(show):
    page = show(whole())

    def pictures():
        return [pixels(page, name) for name in (".space", ".regions", ".activations canvas")]

    seek(page, 3)
    three = pictures()
    seek(page, 4)
    assert all(now != then for now, then in zip(pictures(), three, strict=True))
    page.run("document.querySelector('.epoch').focus()")
    page.key("ArrowLeft")
    assert pictures() == three
    page.key("Home")
    for _ in range(3):
        page.run("document.querySelector('[data-step=\"1\"]').click()")
    page.painted()
    assert pictures() == three
    page.key("End")
    assert text(page, ".now") == "epoch 110 of 110"
    page.run("document.querySelector('.epoch').blur()")
    for _ in range(8):
        page.key("ArrowLeft")  # with the focus nowhere
    assert pictures() == three


def test_what_was_not_measured_is_not_called_nan(show):
    losses = np.ma.masked_array([0.0, 3.0, 2.0, 1.0, 0.5, np.nan], mask=[1, 0, 0, 0, 0, 0])
    page = show(playback([0, 2, 5, 7], changes={"W": [0, 1, 2, 3]}, loss=losses, curve_epochs=range(6)))
    for k, (said, dot) in enumerate([("not measured", False), ("2", True), ("nan", False), ("not measured", False)]):
        seek(page, k)
        assert text(page, ".curves b") == said
        assert page.run("document.querySelector('.dot').hidden") is not dot
    lefts = []
    for k in range(4):
        seek(page, k)
        lefts.append(box(page, ".marker")["x"])
    np.testing.assert_allclose(np.diff(lefts) / (lefts[-1] - lefts[0]), np.diff([0, 2, 5, 7]) / 7, atol=0.01)


def test_pointing_at_a_curve_moves_there(show):
    page = show(whole())
    seek(page, 4)
    at = box(page, ".marker")
    seek(page, 9)
    page.drag((at["x"] + 2, at["y"]), (at["x"] + 2, at["y"]))
    assert text(page, ".now") == "epoch 40 of 110"


def test_the_regions_fill_what_they_should(show):
    page = show(whole(points=None, labels=None, hidden=None))
    tint = [int(0.3 * c + 0.7 * 255 + 0.5) for c in (0xE6, 0x9F, 0x00)]
    count = (
        "(() => { const c = document.querySelector('.regions'); const copy = new OffscreenCanvas(c.width, c.height).getContext('2d');"
        "copy.drawImage(c, 0, 0); const d = copy.getImageData(0, 0, c.width, c.height).data; let n = 0;"
        f"for (let i = 0; i < d.length; i += 4) n += d[i] === {tint[0]} && d[i + 1] === {tint[1]} && d[i + 2] === {tint[2]};"
        "return n; })()"
    )
    counts = []
    for k in range(EPOCHS):
        seek(page, k)
        counts.append(page.run(count))
        share = float(re.search(r"class 0 ([\d.]+) %", text(page, ".read"))[1])
        assert share == pytest.approx(100 * (BORDERS[k] + 2) / 4, abs=1.7)  # a column of the grid
    np.testing.assert_allclose(counts / np.max(counts), (BORDERS + 2) / np.max(BORDERS + 2), atol=0.03)


def test_it_plays_to_the_end_and_stops(show):
    page = show(whole())
    watch = (
        "(() => { window.seen = []; const now = document.querySelector('.now');"
        "new MutationObserver(() => seen.push(parseInt(now.textContent.split(' ')[1]))).observe(now, {childList: true}); })()"
    )
    seek(page, EPOCHS - 4)
    page.run(watch)
    page.key(" ")
    assert text(page, ".play") == "Pause"
    page.until("document.querySelector('.play').textContent === 'Play'")
    seen = page.run("seen")
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert (seen[-1], text(page, ".now")) == (110, "epoch 110 of 110")
    page.run("document.querySelector('.play').click()")  # once more, from the beginning
    page.until("seen.includes(0) && seen.at(-1) > 0 && seen.at(-1) < 110")
    page.key(" ")
    here = text(page, ".now")
    assert text(page, ".play") == "Play"
    page.painted()
    assert text(page, ".now") == here


def test_the_hidden_layer_turns_by_mouse_and_keys(show):
    page = show(whole())
    at = box(page, ".space")
    first = pixels(page, ".space")
    page.drag((at["x"], at["y"]), (at["x"] + 60, at["y"] + 20))
    dragged = pixels(page, ".space")
    assert "azimuth -90°, elevation 32°" in page.run("document.querySelector('.space').ariaLabel").replace("−", "-")
    assert dragged != first
    page.run("document.querySelector('.space').focus()")
    page.key("Home")
    assert pixels(page, ".space") == first
    page.key("ArrowUp")
    assert pixels(page, ".space") not in (first, dragged)
    assert text(page, ".now") == "epoch 110 of 110"  # its arrow keys do not move the slider


def test_a_finger_turns_the_hidden_layer_too(show):
    page = show(whole(), width=360, height=700)
    page.send("Emulation.setTouchEmulationEnabled", enabled=True)
    page.run("document.querySelector('.space').scrollIntoView({block: 'center'})")
    page.painted()
    at, first, scrolled = box(page, ".space"), pixels(page, ".space"), page.run("scrollY")
    page.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": at["x"], "y": at["y"]}])
    for step in (1, 2, 3):
        page.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": at["x"], "y": at["y"] + 20 * step}])
    page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.painted()
    assert pixels(page, ".space") != first
    assert page.run("scrollY") == scrolled


def test_a_screen_reader_hears_what_is_shown(show):
    page = show(whole())
    seek(page, 5)
    heard = {
        (node["role"]["value"], node.get("name", {}).get("value", "")): node
        for node in page.send("Accessibility.getFullAXTree")["nodes"]
        if not node["ignored"]
    }
    slider = heard["slider", "Epoch"]
    assert "epoch 50, loss 0.666667" in {p["name"]: p["value"].get("value") for p in slider["properties"]}.get(
        "valuetext", slider["value"]["value"]
    )
    assert {("button", "Play"), ("button", "Next epoch"), ("combobox", "Speed")} <= set(heard)
    names = [name for _, name in heard]
    assert any(name.startswith("Decision regions at epoch 50: Of the plane: class 0") for name in names)
    assert any(name.startswith("Hidden layer at epoch 50: 4 points.") for name in names)
    assert any(name.startswith("loss over the epochs. loss 0.666667") for name in names)


def test_the_slider_is_moved_by_the_mouse(show):
    page = show(whole())
    at = box(page, ".epoch")
    page.drag((at["left"] + at["width"] - 8, at["y"]), (at["left"] + 8, at["y"]))
    assert text(page, ".now") == "epoch 0 of 110"
    assert texts(page, ".curves b")[0] == number(LOSS[0])


def test_players_in_one_page_do_not_disturb_each_other(show):
    one, other = whole(), whole(title="Other", loss=2 * LOSS)
    main = re.search(r"<main.*</main>", other.html, re.DOTALL)[0]
    page = show(one.html.replace("</main>", f"</main>{main.replace('playback', 'playback second', 1)}"))
    seek(page, 2)
    assert text(page, ".now") == "epoch 20 of 110"
    assert text(page, ".second .now") == "epoch 110 of 110"
    seek(page, 5, ".second")
    page.run("document.querySelector('.second .epoch').focus()")
    page.key("ArrowRight")
    assert (text(page, ".now"), text(page, ".second .now")) == ("epoch 20 of 110", "epoch 60 of 110")
    assert (texts(page, ".curves b")[0], text(page, ".second .curves b")) == (number(LOSS[2]), number(2 * LOSS[6]))


def test_frames_of_a_notebook_work_apart(show):
    """Pages in frames are closed to scripts from outside, so this looks at pictures of them."""
    page = show(
        "<!DOCTYPE html><title>Notebook</title>" + whole(title=HOSTILE)._repr_html_() + whole()._repr_html_(),
        height=2300,
    )

    def picture(i):
        frame = f"document.querySelectorAll('iframe')[{i}].getBoundingClientRect()"
        x, y, width = page.run(f"(b => [b.x, b.y, b.width])({frame})")
        clip = {"x": x, "y": y, "width": width, "height": 600, "scale": 1}
        return page.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"], x, y

    def awaited(i, right):
        """What a frame shows when it is right, twice in a row."""
        end, before = time.monotonic() + 4 * chromium.PATIENCE, None  # pictures of frames take seconds each
        while time.monotonic() < end:
            now, _, _ = picture(i)
            if now == before and right(now):
                return now
            before = now
        raise TimeoutError(f"frame {i} never showed what it should")

    first, second = (awaited(i, lambda data: len(data) > 40_000) for i in (0, 1))  # an empty one has some 3,000
    _, x, y = picture(0)
    page.drag((x + 120, y + 5), (x + 120, y + 5))  # takes the focus
    page.key("ArrowLeft")
    awaited(0, lambda data: data != first)
    assert awaited(1, lambda data: True) == second


def test_hostile_texts_do_nothing(show):
    texts_ = {"title": HOSTILE, "names": [HOSTILE] * 2, "changes": {HOSTILE: LOSS}, "changes_title": HOSTILE}
    page = show(whole(**texts_, metrics={HOSTILE: LOSS}, activations={HOSTILE: LOSS}, hidden_title=HOSTILE))
    assert text(page, "h1") == HOSTILE
    assert text(page, ".changes h2") == HOSTILE
    assert text(page, ".changes th") == HOSTILE
    assert text(page, ".legend li") == HOSTILE
    assert page.run("document.querySelectorAll('img, .evil').length") == 0
    assert page.run("typeof window.evil") == "undefined"


def test_no_other_script_runs(show, running):
    page = show(whole())
    page.run(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1'; document.body.append(s); })()"
    )
    assert page.run("typeof window.evil") == "undefined"
    # The browser logs what it refused: here that is what was to happen.
    refused = page.happened("Log.entryAdded")
    assert refused
    running.events[:] = [event for event in running.events if event not in refused]


def test_print_shows_the_epoch_without_the_controls(show):
    page = show(whole(), prefers_color_scheme="dark")
    seek(page, 2)
    page.send("Emulation.setEmulatedMedia", media="print")
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("getComputedStyle(document.querySelector('.play')).display") == "none"
    assert page.run("getComputedStyle(document.querySelector('.now')).display") != "none"
    assert page.run("getComputedStyle(document.querySelector('.playback')).getPropertyValue('--paper')") == "#fff"
    widths = page.run(
        "[...document.querySelectorAll('.plot canvas')].map(c => [c.width, c.getBoundingClientRect().width])"
    )
    assert len(widths) == 5
    assert all(width == 1080 and shown > 100 for width, shown in widths)
    page.run("dispatchEvent(new Event('afterprint'))")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) == 1


@pytest.mark.parametrize("units", [1, 2, 4])
def test_hidden_layers_of_other_widths(show, units):
    page = show(playback(hidden=hidden(units), labels=[0, 1, 2, 7]))
    assert texts(page, ".legend li") == ["class 0", "class 1", "class 2", "class 7"]
    last = pixels(page, ".space")
    seek(page, 0)
    assert pixels(page, ".space") != last
    said = texts(page, "figcaption")
    assert bool(said) == (units > 3)
    assert all("principal components of 4 units" in caption and "% of the variance" in caption for caption in said)


def test_what_is_not_finite_is_shown_as_such(show):
    loss = np.array([1.0, 0.5, np.inf, np.nan])
    space = hidden(3, 4)
    space[2, 0, 1] = np.inf
    space[3] = np.nan
    regions = np.zeros((4, 8, 8))
    regions[2, :4] = np.nan
    regions[3] = -1
    page = show(playback(
        loss=loss, hidden=space, regions=regions, extent=(0, 1, 0, 1), changes={"W": loss}, activations={"h": space},
    ))  # fmt: skip
    assert (text(page, ".curves b"), texts(page, ".changes .value")) == ("nan", ["undefined"])
    assert texts(page, ".read") == ["4 of 4 points are nan or inf and not drawn", "Of the plane: undefined 100 %"]
    assert text(page, ".activations .value") == "12 nan or inf"
    assert page.run("document.querySelector('.dot').hidden")
    seek(page, 2)
    assert (text(page, ".curves b"), texts(page, ".changes .value")) == ("inf", ["inf %"])
    assert texts(page, ".read") == [
        "1 of 4 points are nan or inf and not drawn", "Of the plane: class 0 50 %, undefined 50 %",
    ]  # fmt: skip
    seek(page, 1)
    assert text(page, ".curves b") == "0.5"
    assert not page.run("document.querySelector('.dot').hidden")


def test_it_fits_a_telephone_sharply(show):
    page = show(whole(), width=360, height=700, scale=3)
    assert page.run("document.documentElement.scrollWidth") == 360
    for selector in (".space", ".regions", ".curves canvas"):
        assert page.run(
            f"(c => c.width / c.getBoundingClientRect().width)(document.querySelector('{selector}'))"
        ) == pytest.approx(3, abs=0.01)


def test_one_epoch_has_nothing_to_play(show):
    page = show(playback([5], loss=[0.25]))
    assert (text(page, ".now"), text(page, ".curves b")) == ("epoch 5", "0.25")
    assert page.run("document.querySelector('.play').hidden")


def test_who_wants_less_motion_gets_it_slowly(show):
    assert show(whole(), prefers_reduced_motion="reduce").run("document.querySelector('.speed').value") == "0.25"

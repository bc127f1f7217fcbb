"""Films: their frames in order, the same bytes, whole files or none, and a page that needs no network."""

import json
import os
import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.animation import PillowWriter
from PIL import Image

from microgradnp.draw.film import animate, film_of_activations
from microgradnp.draw.points import hidden_space
from tests.draw import browser

HIDDEN = np.random.default_rng(0).random((3, 10, 3))


def dots(ax, i):
    ax.plot([i], [i], "o")
    ax.set(xlim=(-1, 3), ylim=(-1, 3))


@pytest.fixture
def film():
    return animate(dots, 3, size=(2, 1.6), interval=120)


def test_gif_has_every_frame_in_order_and_stays_a_while_at_the_end(film, tmp_path):
    with Image.open(film.save(tmp_path / "a.gif")) as gif:
        assert gif.n_frames == 3 == len(film)
        assert gif.info["loop"] == 0
        durations, frames = [], []
        for i in range(3):
            gif.seek(i)
            durations.append(gif.info["duration"])
            frames.append(np.asarray(gif.convert("RGB")).astype(int))
    assert durations == [120, 120, 1500]
    assert frames[0].shape == (176, 220, 3)
    assert all(np.abs(a - b).max() > 100 for a, b in pairwise(frames))


@pytest.mark.parametrize("ending", ["gif", "html"])
def test_films_are_reproducible(ending, tmp_path):
    one, two = (animate(dots, 3, size=(2, 1.6)).save(tmp_path / f"{i}.{ending}").read_bytes() for i in range(2))
    assert one == two
    assert sorted(os.listdir(tmp_path)) == [f"0.{ending}", f"1.{ending}"]


def test_only_the_picture_moves():
    film = animate(lambda ax, i: (ax.plot([0, 10.0**i]), ax.set_ylim(0, 10.0**i)), 5, size=(3, 2))
    corners = []
    for image in film._images:
        dark = (image < 100).all(axis=2)
        corners.append(np.flatnonzero(dark.sum(axis=1) > 100).max())  # the horizontal axis
    assert len(set(corners)) == 1


def test_page_is_whole_and_asks_the_network_for_nothing(film):
    film.captions = ["</script>", "epoch <1>", "e"]
    page = film.to_html()
    assert not re.search(r"https?://|src=\"(?!data)", page)
    assert page.count("</script>") == 1
    data = json.loads(re.search(r"const film = (\{.*\});", page).group(1))
    assert data["captions"] == ["</script>", "epoch <1>", "e"]
    assert len(data["frames"]) == 3
    assert data["interval"] == 120
    assert "<iframe srcdoc=" in film._repr_html_()


def test_page_plays_in_a_browser(film, tmp_path):
    program = browser.installed()
    if program is None:
        if os.environ.get("MICROGRADNP_BROWSER") == "required":
            pytest.fail("no browser is installed")
        pytest.skip("no browser is installed")
    film.captions = ["before", "in the <middle>", "after"]
    path = film.save(tmp_path / "a.html")
    running = browser.Browser(program)
    try:
        page = running.page(path.as_uri())
        shown = "[document.getElementById('caption').textContent, document.getElementById('play').textContent]"
        picture = "document.getElementById('frame').src"
        assert page.run(shown) == ["before", "Play"]
        first = page.run(picture)
        page.run("slider.value = 1; slider.dispatchEvent(new Event('input'))")
        assert page.run(shown) == ["in the <middle>", "Play"]
        assert page.run(picture) not in ("", first)
        page.run("play.click()")
        assert page.run("play.textContent") == "Pause"
        page.until("caption.textContent === 'after' && play.textContent === 'Play'")
        page.run("play.click()")  # again from the start
        page.until("caption.textContent === 'in the <middle>'")
        page.run("play.click()")
        assert page.run("image.complete && image.naturalWidth") == 220
        asked = {event["params"]["request"]["url"] for event in page.happened("Network.requestWillBeSent")}
        assert {url for url in asked if not url.startswith(("about:", "data:"))} == {path.as_uri()}
        assert page.happened("Runtime.exceptionThrown", "Log.entryAdded") == []
        page.screenshot(tmp_path / "a.png")
    finally:
        running.close()


def test_strip_has_the_first_and_the_last_frame():
    figure = animate(dots, range(0, 100, 10)).strip(3, title="Film")
    assert [ax.get_title() for ax in figure.axes] == ["epoch 0", "epoch 40", "epoch 90"]
    assert [ax.lines[0].get_xdata()[0] for ax in figure.axes] == [0, 40, 90]
    assert len(animate(dots, 2, captions=["a", "a"]).strip().axes) == 2
    shared = animate(lambda ax, i: ax.plot([0, i + 1]), 2).strip(shared=True)
    assert len({ax.get_ylim() for ax in shared.axes}) == 1


def test_a_strip_has_one_legend_for_all():
    film = animate(lambda ax, i: (ax.plot([0, i], label="a"), ax.legend()), 3)
    figure = film.strip()
    assert [ax.get_legend() for ax in figure.axes] == [None] * 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a"]


def test_any_picture_can_be_filmed_in_3d(tmp_path):
    film = animate(lambda ax, i: hidden_space(HIDDEN[i], [0, 1] * 5, ax=ax), 3, projection="3d", size=(2, 2))
    assert film.figure(1).axes[0].name == "3d"
    film.save(tmp_path / "a.gif")


def test_matplotlibs_own_writers_can_be_used(film, tmp_path):
    film.animation().save(tmp_path / "a.gif", writer=PillowWriter(fps=5))
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 3


def test_a_failed_save_keeps_the_old_file(film, tmp_path, monkeypatch):
    path = tmp_path / "a.gif"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        film.save(path)
    assert os.listdir(tmp_path) == ["a.gif"]
    assert path.read_text() == "old"


def test_activations_keep_their_range():
    film = film_of_activations(
        {"in": np.zeros(4), "H": np.arange(8.0).reshape(4, 2), "out": [1, 2, 3, 4]}, target=-1, epochs=[0, 5, 10, 15]
    )
    axes = [film.figure(i).axes[0] for i in range(4)]
    assert len({ax.get_ylim() for ax in axes}) == 1
    assert axes[0].get_ylim()[0] < -1
    assert axes[0].get_ylim()[1] > 7
    assert [ax.collections[1].get_offsets()[:, 1].tolist() for ax in axes] == np.arange(8.0).reshape(4, 2).tolist()
    assert [ax.collections[2].get_offsets()[0, 1] for ax in axes] == [1, 2, 3, 4]
    assert [ax.get_title() for ax in axes] == ["epoch 0", "epoch 5", "epoch 10", "epoch 15"]


def test_targets_may_change():
    film = film_of_activations([[0, 0], [1, 2]], target=[[5.0], [6.0]])
    assert film.figure(1).axes[0].collections[-1].get_offsets()[0, 1] == 6


BAD = {
    "frames is empty": lambda: animate(dots, 0),
    "captions has 1 entries, but there are 3 frames": lambda: animate(dots, 3, captions=["a"]),
    "interval must be at least 1 millisecond": lambda: animate(dots, 3, interval=0),
    "'a.mp4': the ending must be .gif or .html": lambda: animate(dots, 1).save("a.mp4"),
    "count must be at least 1": lambda: animate(dots, 1).strip(0),
    "activations is empty": lambda: film_of_activations({}),
    r"activations\['b'\] must have shape \(frames, units\) .* \(2\), got \(3,\)": lambda: film_of_activations(
        {"a": [1, 2], "b": [1, 2, 3]}
    ),
    r"activations\['a'\] must be finite": lambda: film_of_activations({"a": [1, np.nan]}),
    "target has 3 frames, but the activations have 2": lambda: film_of_activations([[1, 2]], target=np.ones((3, 1))),
    "target has 2 values, but the last layer has 1 units": lambda: film_of_activations([[1, 2]], target=[1, 2]),
    "epochs has 1 entries, but the activations have 2 frames": lambda: film_of_activations([[1, 2]], epochs=[1]),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()

"""The playback page: training, epoch by epoch, in one HTML file.

`page` checks the arrays and writes the file, `packing` makes them small. What the file does stands in the scripts and
the style sheet beside them: `player.js` moves the panels of the other scripts, which share `base.js`.

The package is not called `playback`, because its name would take the place of the function ``mg.draw.playback``.
"""

from microgradnp.draw.playback_page.page import Playback, playback

__all__ = ["Playback", "playback"]

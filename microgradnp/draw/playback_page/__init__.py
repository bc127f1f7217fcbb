"""The playback page: training, epoch by epoch, in one HTML file.

`playing` takes the arrays, `checks` says what does not fit, `recording` chooses what the page holds, `packing` makes it
small, and `page` writes the file; `replaying` makes the arrays of a run of `mg.train.fit`. What the file does stands in
the scripts and the style sheet beside them: `player.js` moves the panels of the other scripts, which share `base.js`.

The package is not called `playback`, because its name would take the place of the function ``mg.draw.playback``.
"""

from microgradnp.draw.playback_page.page import Playback
from microgradnp.draw.playback_page.playing import playback
from microgradnp.draw.playback_page.replaying import playback_of

__all__ = ["Playback", "playback", "playback_of"]

"""R2D2 finds the datasets of a lake whose rows another dataset holds, proves it, and plans which to retire."""

from r2d2.errors import R2D2Error
from r2d2.version import __version__

__all__ = ["R2D2Error", "__version__"]

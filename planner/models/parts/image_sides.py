"""Height and width of an image or a patch, which configs give as one number or as two."""

from planner.models.config_json import Config


def image_sides(config: Config, name: str) -> tuple[int, int]:
    """Return the two sides that a field states, in pixels; raises BadInput unless it is one number or two."""
    if not isinstance(config.get(name), list):
        side = config.integer(name)
        return side, side
    sides = config.integers(name)
    if len(sides) != 2 or min(sides) < 1:
        raise config.wrong(name, sides, "one number of pixels, or height and width")
    return sides[0], sides[1]


def patch_count(config: Config) -> int:
    """Return how many patches of `patch_size` an image of `image_size` is cut into."""
    (height, width), (high, wide) = image_sides(config, "image_size"), image_sides(config, "patch_size")
    return (height // high) * (width // wide)

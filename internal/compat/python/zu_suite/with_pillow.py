"""Keeps and reads a picture."""

from PIL import Image
from typing_extensions import Annotated
from zenml import pipeline, step


@step
def picture() -> Annotated[Image.Image, "suite_picture"]:
    return Image.new("RGB", (3, 2), (255, 0, 127))


@step
def check_picture(image: Image.Image) -> None:
    if image.size != (3, 2) or image.convert("RGB").getpixel((2, 1)) != (255, 0, 127):
        raise ValueError(f"the picture came back as {image!r}")


@pipeline(enable_cache=False)
def suite_pillow() -> None:
    check_picture(picture())

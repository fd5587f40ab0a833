"""The picture that social networks and chat programs show beside a link."""

from functools import lru_cache
from io import BytesIO

from django.conf import settings
from django.utils.translation import gettext
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN = 1200, 630, 80
# The light colours of static/css/site.css.
PAPER, INK, SOFT, ACCENT, CLAIM = "#fbf8f2", "#1c2430", "#535d6a", "#0b5f63", "#8a4b1f"
SIZES = (76, 64, 54, 46, 38)
MOST_LINES = 4


@lru_cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """The site's own typeface; read from `static/` once per size."""
    return ImageFont.truetype(settings.BASE_DIR / "static" / "fonts" / f"{name}.woff2", size)


def lines(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The text broken at spaces so that each line fits."""
    done = [""]
    for word in text.split():
        longer = f"{done[-1]} {word}".strip()
        if done[-1] and face.getlength(longer) > width:
            done.append(word)
        else:
            done[-1] = longer
    return done


@lru_cache(maxsize=128)
def draw_card(title: str, note: str = "") -> bytes:
    """A PNG with the wordmark, a title in the largest size that fits, and a note below it."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, WIDTH, 14), fill=ACCENT)
    claimed = font("serif-400-italic", 44)
    draw.text((MARGIN, 62), "Claimed", font=claimed, fill=CLAIM)
    draw.text((MARGIN + claimed.getlength("Claimed "), 62), "& Shown", font=font("serif-600", 44), fill=ACCENT)
    for size in SIZES:
        face = font("serif-600", size)
        rows = lines(title, face, WIDTH - 2 * MARGIN)
        if len(rows) <= MOST_LINES and all(face.getlength(row) <= WIDTH - 2 * MARGIN for row in rows):
            break
    top = 170
    for row in rows[: MOST_LINES + 1]:
        draw.text((MARGIN, top), row, font=face, fill=INK)
        top += round(size * 1.22)
    small = font("serif-400", 32)
    for row in lines(note, small, WIDTH - 2 * MARGIN)[:2]:
        draw.text((MARGIN, top + 20), row, font=small, fill=SOFT)
        top += 40
    draw.text(
        (MARGIN, HEIGHT - 92), gettext("What sellers claim. What studies show."), font=font("serif-400", 34), fill=SOFT
    )
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()

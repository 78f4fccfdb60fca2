#!/usr/bin/env python3
"""Draws the specimens beside this script: an identity card, its holder, a film and two documents.

Nothing here shows a real person or a real document. The results are committed, so nobody needs to
run this; to change them, on Debian 12:

    apt-get install python3-pil python3-reportlab ffmpeg qpdf fonts-dejavu-core fonts-liberation2
    /usr/bin/python3 specimens/make.py
"""

import json
import math
import random
import subprocess
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

HERE = Path(__file__).parent
DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans{}.ttf"
LIBERATION = "/usr/share/fonts/truetype/liberation2/LiberationSerif-{}.ttf"

# "Ejemplo" and "Muestra" are Spanish for example and specimen; UTO is ICAO's fictitious state
# Utopia (Doc 9303-3, section 5); 00000000T is the well-known dummy number.
HOLDER = {
    "given_name": "Ana María",
    "surname_1": "Ejemplo",
    "surname_2": "Muestra",
    "serial_number": "00000000T",
    "document_number": "UTS004217",
    "birth_date": "12/04/1990",
    "sex": "F",
    "issued": "22/11/2025",
    "expires": "21/11/2035",
}


def font(size, weight=""):
    return ImageFont.truetype(DEJAVU.format(weight), round(size))


# The machine-readable zone (ICAO Doc 9303-5, TD1).


def check_digit(text):
    """Doc 9303-3, section 4.9: weights 7, 3, 1; letters from 10; the filler is 0."""

    def value(c):
        return 0 if c == "<" else int(c, 36)

    return str(sum(value(c) * (7, 3, 1)[i % 3] for i, c in enumerate(text)) % 10)


def mrz(holder):
    def filled(text, length):
        return text.upper().replace(" ", "<").ljust(length, "<")[:length]

    def yymmdd(date):
        day, month, year = date.split("/")
        return year[2:] + month + day

    number = filled(holder["document_number"], 9)
    optional = filled(holder["serial_number"], 15)
    born, expires = yymmdd(holder["birth_date"]), yymmdd(holder["expires"])
    upper = number + check_digit(number) + optional
    dates = born + check_digit(born), expires + check_digit(expires)
    composite = check_digit(upper + dates[0] + dates[1] + "<" * 11)
    # Diacritical marks are transliterated (Doc 9303-3, section 6).
    plain = holder["given_name"].translate(str.maketrans("áéíóúÁÉÍÓÚ", "aeiouAEIOU"))
    return [
        "I<UTO" + upper,
        dates[0] + holder["sex"] + dates[1] + "UTO" + "<" * 11 + composite,
        filled(f"{holder['surname_1']} {holder['surname_2']}<<{plain}", 30),
    ]


# The holder, drawn.


def mix(a, b, t):
    return tuple(round(x + (y - x) * t) for x, y in zip(a, b))


def soft_ellipse(size, box, colour, blur):
    """A blurred spot of colour as a layer, for light, shade and blush."""
    layer = Image.new("RGBA", size, (*colour[:3], 0))
    ImageDraw.Draw(layer).ellipse(box, fill=colour)
    return layer.filter(ImageFilter.GaussianBlur(blur))


def curved(points):
    """A closed Catmull-Rom curve through the points."""
    out, n = [], len(points)
    for i in range(n):
        a, b, c, d = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        for t in (j / 8 for j in range(8)):
            out.append(
                tuple(
                    0.5
                    * (
                        2 * b[k]
                        + (c[k] - a[k]) * t
                        + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t
                        + (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t**3
                    )
                    for k in (0, 1)
                )
            )
    return out


def portrait(
    width, height, turn=0.0, blink=0.0, smile=0.3, backdrop=((222, 230, 238), (188, 200, 213))
):
    """The holder from the chest up. `turn` from -1 to 1 moves the features sideways as a head does."""
    w, h = width * 2, height * 2
    image = gradient((w, h), *backdrop).convert("RGBA")
    u = min(w / 10, h / 12.5)
    cx, cy = w / 2, h / 2 - 0.55 * u
    draw = ImageDraw.Draw(image)

    skin, shade = (236, 190, 160), (206, 150, 120)
    hair, hair_light = (58, 38, 28), (92, 62, 44)
    shirt, shirt_dark = (46, 84, 110), (33, 62, 84)

    def oval(x, y, rx, ry, **how):
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), **how)

    def within(layer, shapes):
        mask = Image.new("L", (w, h), 0)
        for shape, box in shapes:
            getattr(ImageDraw.Draw(mask), shape)(box, fill=255)
        layer.putalpha(ImageChops.multiply(layer.getchannel("A"), mask))
        image.alpha_composite(layer)

    # Hair behind the head, shoulders, neck.
    oval(cx, cy + 0.35 * u, 2.95 * u, 3.6 * u, fill=hair)
    draw.rounded_rectangle((cx - 2.95 * u, cy, cx + 2.95 * u, cy + 4.1 * u), 1.2 * u, fill=hair)
    draw.rounded_rectangle(
        (cx - 4.6 * u, cy + 4.75 * u, cx + 4.6 * u, h + 3 * u), 2.3 * u, fill=shirt
    )
    draw.polygon(
        [(cx - 1.7 * u, cy + 4.7 * u), (cx + 1.7 * u, cy + 4.7 * u), (cx, cy + 6.6 * u)], fill=skin
    )
    draw.line(
        [(cx - 1.75 * u, cy + 4.7 * u), (cx, cy + 6.65 * u), (cx + 1.75 * u, cy + 4.7 * u)],
        fill=shirt_dark,
        width=round(0.16 * u),
        joint="curve",
    )
    draw.rectangle((cx - 1.1 * u, cy + 2.4 * u, cx + 1.1 * u, cy + 4.75 * u), fill=skin)
    within(
        soft_ellipse(
            (w, h),
            (cx - 1.3 * u, cy + 2.5 * u, cx + 1.3 * u, cy + 4.0 * u),
            (*shade, 190),
            0.25 * u,
        ),
        [("rectangle", (cx - 1.1 * u, cy + 2.4 * u, cx + 1.1 * u, cy + 4.75 * u))],
    )

    # Head: an oval over a narrower jaw; ears peep out on the side turned to us.
    for side in (-1, 1):
        oval(
            cx + side * (2.28 - 0.22 * side * turn) * u,
            cy + 0.55 * u,
            0.36 * u,
            0.62 * u,
            fill=shade,
        )
    head = [
        ("ellipse", (cx - 2.3 * u, cy - 2.85 * u, cx + 2.3 * u, cy + 2.65 * u)),
        ("ellipse", (cx - 1.98 * u, cy - 1.45 * u, cx + 1.98 * u, cy + 3.45 * u)),
    ]
    for shape, box in head:
        getattr(draw, shape)(box, fill=skin)

    fx = cx + turn * 0.55 * u
    for side in (-1, 1):
        within(
            soft_ellipse(
                (w, h),
                (
                    fx + side * 1.2 * u - 0.6 * u,
                    cy + 1.0 * u,
                    fx + side * 1.2 * u + 0.6 * u,
                    cy + 1.75 * u,
                ),
                (224, 140, 118, 110),
                0.3 * u,
            ),
            head,
        )
    within(
        soft_ellipse(
            (w, h),
            (cx - turn * u - 2.6 * u, cy - 2 * u, cx - turn * u - 1.9 * u, cy + 3 * u),
            (*shade, 120),
            0.35 * u,
        ),
        head,
    )

    # Eyes and brows.
    for side in (-1, 1):
        ex, ey = fx + side * (0.98 - 0.1 * side * turn) * u, cy + 0.28 * u
        open_ = max(0.06, 1 - blink)
        oval(ex, ey, 0.5 * u, 0.27 * u * open_, fill=(250, 248, 246))
        if open_ > 0.3:
            ix = ex + turn * 0.12 * u
            lid = Image.new("L", (w, h), 0)
            ImageDraw.Draw(lid).ellipse(
                (ex - 0.5 * u, ey - 0.27 * u * open_, ex + 0.5 * u, ey + 0.27 * u * open_), fill=255
            )
            iris = Image.new("RGBA", (w, h), (0, 0, 0, 0))
            d = ImageDraw.Draw(iris)
            for radius, colour in (
                (0.27, (70, 52, 36)),
                (0.22, (112, 82, 52)),
                (0.12, (20, 16, 14)),
            ):
                d.ellipse(
                    (ix - radius * u, ey - radius * u, ix + radius * u, ey + radius * u),
                    fill=colour,
                )
            d.ellipse(
                (ix + 0.04 * u, ey - 0.15 * u, ix + 0.13 * u, ey - 0.06 * u), fill=(255, 255, 255)
            )
            iris.putalpha(ImageChops.multiply(iris.getchannel("A"), lid))
            image.alpha_composite(iris)
            draw = ImageDraw.Draw(image)
        draw.arc(
            (ex - 0.54 * u, ey - 0.34 * u * open_, ex + 0.54 * u, ey + 0.34 * u),
            190,
            350,
            fill=(54, 36, 28),
            width=round(0.09 * u),
        )
        draw.arc(
            (ex - 0.78 * u, ey - 0.92 * u, ex + 0.78 * u, ey + 0.55 * u),
            218 if side < 0 else 212,
            328 if side < 0 else 322,
            fill=hair,
            width=round(0.16 * u),
        )

    # Nose and mouth.
    nx = fx + turn * 0.16 * u
    draw.line(
        [
            (nx + 0.14 * u, cy + 0.45 * u),
            (nx + 0.3 * u, cy + 1.3 * u),
            (nx + 0.02 * u, cy + 1.42 * u),
        ],
        fill=mix(skin, shade, 0.85),
        width=round(0.09 * u),
        joint="curve",
    )
    my, curve = cy + 2.12 * u, 0.12 * u + smile * 0.3 * u
    upper = [
        (fx - 0.78 * u, my - curve * 0.5),
        (fx - 0.25 * u, my - 0.14 * u),
        (fx, my - 0.07 * u),
        (fx + 0.25 * u, my - 0.14 * u),
        (fx + 0.78 * u, my - curve * 0.5),
    ]
    lower = [
        (fx + 0.78 * u * math.cos(a), my - curve * 0.5 + (curve + 0.22 * u) * math.sin(a))
        for a in (i * math.pi / 24 for i in range(25))
    ]
    draw.polygon(upper + lower, fill=(190, 92, 88))
    line = [
        (fx + 0.78 * u * math.cos(a), my - curve * 0.5 + curve * 0.75 * math.sin(a))
        for a in (i * math.pi / 24 for i in range(25))
    ]
    draw.line(line, fill=(132, 56, 56), width=round(0.06 * u), joint="curve")

    # The hair in front: parted, with a strand of light.
    part = cx - 0.5 * u + turn * 0.3 * u
    crown = cy - 3.1 * u
    right = [
        (part, crown + 0.75 * u),
        (cx + 1.4 * u, cy - 1.35 * u),
        (cx + 2.2 * u, cy + 0.3 * u),
        (cx + 2.3 * u, cy + 2.6 * u),
        (cx + 2.95 * u, cy + 2.6 * u),
        (cx + 2.9 * u, cy - 0.6 * u),
        (cx + 1.9 * u, cy - 2.55 * u),
        (cx + 0.4 * u, crown - 0.1 * u),
        (part, crown),
    ]
    left = [
        (part, crown + 0.75 * u),
        (cx - 1.5 * u, cy - 1.15 * u),
        (cx - 2.2 * u, cy + 0.3 * u),
        (cx - 2.3 * u, cy + 2.6 * u),
        (cx - 2.95 * u, cy + 2.6 * u),
        (cx - 2.9 * u, cy - 0.6 * u),
        (cx - 2.1 * u, cy - 2.3 * u),
        (cx - 1.0 * u, crown + 0.05 * u),
        (part, crown),
    ]
    for side in (right, left):
        draw.polygon(curved(side), fill=hair)
    shine = Image.new("RGBA", (w, h), (*hair_light, 0))
    ImageDraw.Draw(shine).arc(
        (cx - 2.3 * u, cy - 2.85 * u, cx + 2.5 * u, cy + 1.6 * u),
        285,
        335,
        fill=(*hair_light, 255),
        width=round(0.28 * u),
    )
    image.alpha_composite(shine.filter(ImageFilter.GaussianBlur(0.12 * u)))
    return image.convert("RGB").resize((width, height), Image.LANCZOS)


# The card, drawn.


def gradient(size, top, bottom):
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        column.putpixel((0, y), mix(top, bottom, y / max(1, size[1] - 1)))
    return column.resize(size)


def card_base(seed):
    """ID-1, 85.6 mm by 54 mm, with a pattern of interwoven waves."""
    w, h = 1284, 810
    image = gradient((w, h), (226, 238, 244), (206, 224, 222)).convert("RGBA")
    waves = Image.new("RGBA", (w, h), (0, 0, 0, 0))
    draw = ImageDraw.Draw(waves)
    for n in range(46):
        phase, lift = n * 0.21 + seed, n * h / 40 - 60
        points = [
            (x, lift + 46 * math.sin(x / 120 + phase) + 22 * math.sin(x / 47 - 2 * phase))
            for x in range(0, w + 6, 6)
        ]
        draw.line(points, fill=((70, 120, 150, 60), (150, 110, 140, 50))[n % 2], width=2)
    for n in range(30):
        r = 90 + n * 5
        points = [
            (
                w * 0.72 + (r + 26 * math.sin(7 * a + n / 5)) * math.cos(a),
                h * 0.52 + (r + 26 * math.sin(7 * a + n / 5)) * math.sin(a),
            )
            for a in (i * math.tau / 180 for i in range(181))
        ]
        draw.line(points, fill=(60, 110, 130, 40), width=2)
    image.alpha_composite(waves)
    return image


def rounded(card):
    mask = Image.new("L", card.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, card.width - 1, card.height - 1), 44, fill=255)
    card.putalpha(mask)
    return card


def specimen_mark(image, size, alpha=70):
    """The word across the picture: nobody shall take it for a real one."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    face = font(size, "-Bold")
    draw.text(
        (image.width / 2, image.height / 2),
        "SPECIMEN",
        font=face,
        anchor="mm",
        fill=(190, 30, 40, alpha),
    )
    layer = layer.rotate(18, resample=Image.BICUBIC)
    layer.putalpha(
        ImageChops.multiply(layer.getchannel("A"), image.convert("RGBA").getchannel("A"))
    )
    out = image.convert("RGBA")
    out.alpha_composite(layer)
    return out


def field(draw, x, y, label, value, size=34):
    draw.text((x, y), label, font=font(17), fill=(70, 92, 108))
    draw.text((x, y + 21), value, font=font(size, "-Bold"), fill=(24, 32, 42))


def card_front():
    card = card_base(0.0)
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, card.width, 104), fill=(28, 74, 104))
    draw.text((52, 26), "UTOPIA", font=font(46, "-Bold"), fill="white")
    draw.text(
        (card.width - 52, 24), "IDENTITY CARD", font=font(28, "-Bold"), anchor="ra", fill="white"
    )
    draw.text(
        (card.width - 52, 60),
        "DOCUMENTO DE IDENTIDAD",
        font=font(18),
        anchor="ra",
        fill=(206, 224, 234),
    )
    photo = portrait(352, 440)
    card.paste(photo, (52, 150))
    draw.rectangle((52, 150, 52 + 352, 150 + 440), outline=(90, 110, 124), width=2)
    surnames = f"{HOLDER['surname_1']} {HOLDER['surname_2']}".upper()
    field(draw, 450, 146, "SURNAMES / APELLIDOS", surnames, 38)
    field(draw, 450, 240, "GIVEN NAMES / NOMBRE", HOLDER["given_name"].upper(), 38)
    field(draw, 450, 334, "SEX / SEXO", HOLDER["sex"])
    field(draw, 640, 334, "NATIONALITY / NACIONALIDAD", "UTO")
    field(draw, 450, 420, "DATE OF BIRTH / NACIMIENTO", HOLDER["birth_date"].replace("/", " "))
    field(draw, 850, 420, "EXPIRES / VALIDEZ", HOLDER["expires"].replace("/", " "))
    field(draw, 450, 506, "DOCUMENT NO. / N.º DE SOPORTE", HOLDER["document_number"])
    field(draw, 850, 506, "PERSONAL NO.", HOLDER["serial_number"])
    draw.line((450, 700, 800, 700), fill=(90, 110, 124), width=2)
    points = [
        (470 + t * 3, 676 - 26 * math.sin(t / 7) * math.cos(t / 17) - t / 9) for t in range(100)
    ]
    draw.line(points, fill=(28, 40, 90), width=4, joint="curve")
    draw.text((450, 706), "SIGNATURE / FIRMA", font=font(17), fill=(70, 92, 108))
    draw.text((52, 610), HOLDER["document_number"], font=font(24, "Mono-Bold"), fill=(24, 32, 42))
    draw.text(
        (card.width - 52, 770),
        "Fictitious specimen, not an identity document",
        font=font(16),
        anchor="ra",
        fill=(120, 40, 46),
    )
    return specimen_mark(rounded(card), 190)


def card_rear():
    card = card_base(2.0)
    draw = ImageDraw.Draw(card)
    field(draw, 52, 48, "ADDRESS / DOMICILIO", "C. INVENTADA 1", 30)
    draw.text((52, 108), "00001 AMAUROTA, UTOPIA", font=font(30, "-Bold"), fill=(24, 32, 42))
    field(draw, 52, 180, "PLACE OF BIRTH / LUGAR DE NACIMIENTO", "AMAUROTA", 30)
    field(
        draw, 52, 262, "DATE OF ISSUE / FECHA DE EXPEDICIÓN", HOLDER["issued"].replace("/", " "), 30
    )
    field(draw, 52, 344, "AUTHORITY / AUTORIDAD", "OFFICE OF SPECIMENS", 30)
    draw.rounded_rectangle(
        (980, 60, 1190, 240), 22, fill=(212, 176, 92), outline=(150, 118, 50), width=3
    )
    for x in (1050, 1120):
        draw.line((x, 60, x, 240), fill=(150, 118, 50), width=3)
    for y in (120, 180):
        draw.line((980, y, 1190, y), fill=(150, 118, 50), width=3)
    draw.rounded_rectangle(
        (1050, 105, 1120, 195), 14, fill=(226, 194, 116), outline=(150, 118, 50), width=3
    )
    bars = random.Random(9303)
    x = 760
    while x < 1190:
        width = bars.choice((2, 2, 3, 5))
        draw.rectangle((x, 300, x + width, 400), fill=(24, 32, 42))
        x += width + bars.choice((3, 3, 4, 6))
    draw.rectangle((0, 490, card.width, card.height), fill=(244, 247, 246))
    lines = mrz(HOLDER)
    assert all(len(line) == 30 for line in lines), lines
    for n, line in enumerate(lines):
        for i, c in enumerate(line):
            draw.text((60 + i * 39.2, 530 + n * 82), c, font=font(58, "Mono"), fill=(16, 18, 22))
    return specimen_mark(rounded(card), 190, 46)


def on_desk(card, size, angle=-1.6, scale=0.86, shift=(0, 0), seed=1):
    """The card as somebody would photograph it: on a table, a little askew."""
    w, h = size
    image = gradient(size, (120, 112, 104), (92, 84, 78))
    grain = Image.effect_noise((w // 8, h // 2), 40).resize(size)
    image = Image.blend(image, Image.merge("RGB", (grain,) * 3), 0.10)
    width = round(w * scale)
    laid = card.resize((width, round(width * card.height / card.width)), Image.LANCZOS)
    laid = laid.rotate(angle, resample=Image.BICUBIC, expand=True)
    at = (round((w - laid.width) / 2 + shift[0]), round((h - laid.height) / 2 + shift[1]))
    shadow = Image.new("L", size, 0)
    shadow.paste(laid.getchannel("A").point(lambda a: a * 130 // 255), (at[0] + 10, at[1] + 14))
    image.paste((30, 26, 24), (0, 0), shadow.filter(ImageFilter.GaussianBlur(14)))
    image.paste(laid.convert("RGB"), at, laid.getchannel("A"))
    light = soft_ellipse(size, (-w // 3, -h // 2, w * 2 // 3, h // 2), (255, 250, 236, 46), h // 6)
    image = image.convert("RGBA")
    image.alpha_composite(light)
    return image.convert("RGB")


def save(image, name, quality=84):
    image.convert("RGB").save(HERE / name, quality=quality, optimize=True, progressive=False)


# The film.

SIZE, RATE, SECONDS = (1280, 720), 25, 8


def person_frame(t):
    """Turns left, turns right, blinks, smiles."""
    turn = math.sin(t * 2.1) * 0.8
    blink = max(0.0, 1 - abs((t % 1.9) - 1.1) / 0.09)
    room = gradient(SIZE, (206, 210, 204), (168, 172, 168))
    draw = ImageDraw.Draw(room)
    draw.rectangle((880, 60, 1160, 420), fill=(188, 206, 220), outline=(236, 236, 232), width=14)
    draw.line((1020, 60, 1020, 420), fill=(236, 236, 232), width=8)
    draw.rectangle((80, 240, 330, 256), fill=(140, 112, 88))
    for x, height, colour in (
        (96, 90, (150, 70, 60)),
        (128, 110, (60, 90, 110)),
        (158, 80, (190, 160, 90)),
        (190, 104, (80, 100, 70)),
    ):
        draw.rectangle((x, 240 - height, x + 26, 240), fill=colour)
    room = room.filter(ImageFilter.GaussianBlur(5))
    key = (1, 255, 1)
    figure = portrait(
        640,
        720,
        turn=turn,
        blink=blink,
        smile=0.3 + 0.5 * max(0, math.sin(t * 1.3)),
        backdrop=(key, key),
    )
    mask = (
        ImageChops.difference(figure, Image.new("RGB", figure.size, key))
        .convert("L")
        .point(lambda v: 255 if v > 60 else 0)
    )
    mask = mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(1))
    room.paste(
        figure, (round(320 + 18 * math.sin(t * 1.7)), round(4 + 5 * math.sin(t * 2.3))), mask
    )
    return room


def card_frame(card, t):
    return on_desk(
        card,
        SIZE,
        angle=-3 + 5 * math.sin(t * 1.9),
        scale=0.62 + 0.05 * math.sin(t * 1.2),
        shift=(26 * math.sin(t * 2.4), 14 * math.cos(t * 1.8)),
    )


def film(front, rear):
    command = [
        "ffmpeg",
        "-y",
        "-loglevel",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        "{}x{}".format(*SIZE),
        "-r",
        str(RATE),
        "-i",
        "-",
        "-an",
        "-c:v",
        "libx264",
        "-preset",
        "slow",
        "-crf",
        "27",
        "-pix_fmt",
        "yuv420p",
        "-bitexact",
        "-movflags",
        "+faststart",
        str(HERE / "video.mp4"),
    ]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    for n in range(RATE * SECONDS):
        t = n / RATE
        if t < 2.6:
            frame = person_frame(t)
        elif t < 4.4:
            frame = card_frame(front, t - 2.6)
        elif t < 6.0:
            frame = card_frame(rear, t - 4.4)
        else:
            frame = person_frame(t)
        frame = specimen_mark(frame, 150, 60).convert("RGB")
        draw = ImageDraw.Draw(frame)
        draw.rectangle((0, 684, 1280, 720), fill=(20, 28, 38))
        draw.text(
            (24, 690),
            "Specimen of a filmed identification. Drawn; no real person or document.",
            font=font(19),
            fill=(232, 236, 240),
        )
        draw.text(
            (1256, 690), f"{t:05.2f} s", font=font(19, "Mono"), anchor="ra", fill=(232, 236, 240)
        )
        encoder.stdin.write(frame.tobytes())
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise SystemExit("ffmpeg failed")


# The documents to be signed.


def document(name, title, paragraphs):
    """Written plainly here; the caller may have qpdf rewrite it."""
    pdfmetrics.registerFont(TTFont("Serif", LIBERATION.format("Regular")))
    pdfmetrics.registerFont(TTFont("Serif-Bold", LIBERATION.format("Bold")))
    body = ParagraphStyle(
        "body", fontName="Serif", fontSize=11, leading=15.5, alignment=TA_JUSTIFY, spaceAfter=8
    )
    head = ParagraphStyle(
        "head", parent=body, fontName="Serif-Bold", fontSize=12, spaceBefore=8, spaceAfter=4
    )
    top = ParagraphStyle(
        "top", fontName="Serif-Bold", fontSize=20, leading=25, textColor="#17375e", spaceAfter=12
    )

    def furniture(canvas, doc):
        canvas.saveState()
        canvas.setStrokeColor("#17375e")
        canvas.line(25 * mm, A4[1] - 18 * mm, A4[0] - 25 * mm, A4[1] - 18 * mm)
        canvas.setFont("Serif", 9)
        canvas.drawString(25 * mm, A4[1] - 16 * mm, "Example Bank of Utopia (fictitious)")
        canvas.drawRightString(A4[0] - 25 * mm, 14 * mm, f"{title}, page {doc.page}")
        canvas.restoreState()

    story = [Paragraph(title, top)]
    for text in paragraphs:
        story.append(
            Spacer(1, text)
            if isinstance(text, int)
            else Paragraph(text[1:], head) if text.startswith("#") else Paragraph(text, body)
        )
    doc = SimpleDocTemplate(
        str(HERE / name),
        pagesize=A4,
        title=title,
        author="Avouch specimens",
        invariant=1,
        leftMargin=25 * mm,
        rightMargin=25 * mm,
        topMargin=27 * mm,
        bottomMargin=24 * mm,
    )
    doc.build(story, onFirstPage=furniture, onLaterPages=furniture)


AGREEMENT = [
    "This agreement is made between Example Bank of Utopia (the “Bank”) and <b>Ana María Ejemplo Muestra</b>, "
    "personal number 00000000T (the “Customer”). Both parties are inventions; the document serves to try out "
    "electronic signatures and binds nobody.",
    "#1. The account",
    "The Bank opens a current account in the name of the Customer and keeps it in thalers. The account bears no "
    "interest and may not be overdrawn. The Bank states the account’s number to the Customer within one working day "
    "after both parties have signed.",
    "#2. Payments",
    "The Customer may pay money in at any branch and by transfer. The Bank carries out an order to pay on the day on "
    "which it receives it, if it receives it before noon on a working day, and otherwise on the next working day. An "
    "order is refused if the balance does not cover it; the Bank tells the Customer of a refusal without delay.",
    "#3. Charges",
    "Keeping the account costs nothing. A transfer abroad costs two thalers. The Bank announces a change of charges "
    "two months before it takes effect, and the Customer may then close the account at once and without cost.",
    "#4. Statements",
    "The Bank makes a statement available on the first day of every month. The Customer checks it and reports errors "
    "within thirteen months; what is not reported in that time is taken to be correct, unless the law provides otherwise.",
    "#5. Access and care",
    "The Customer keeps the means of access to the account safe, does not hand them to others and tells the Bank at "
    "once if they are lost or if somebody else may know them. The Bank then blocks the access. Until it is told, the "
    "Customer bears a loss of no more than fifty thalers; after that the Bank bears it.",
    "#6. Liability",
    "Each party answers for damage that it causes to the other by failing to do what this agreement asks of it. Neither "
    "answers for events beyond its control which it could not have avoided with due care.",
    "#7. Term and notice",
    "The agreement runs for an indefinite time. The Customer may end it at any time, the Bank with two months’ notice. "
    "The Bank pays out the balance within five working days after the end.",
    "#8. Form",
    "The parties sign this agreement electronically, each with a certificate that names them. Each receives the signed "
    "file. Changes need the same form. Should one provision prove void, the others remain in force.",
    "#9. Law",
    "The law of Utopia applies. The courts of Amaurota decide on disputes that the parties cannot settle.",
    12,
    "For the Customer: electronic signature, embedded in this file.",
]

TERMS = [
    "These terms are part of every agreement with Example Bank of Utopia, a bank that does not exist.",
    "#Language",
    "The Bank writes to its customers in English or, si así lo prefieren, en español, con eñes y acentos en su sitio.",
    "#Complaints",
    "A complaint is answered within fifteen working days. Who is not content with the answer may turn to the ombudsman "
    "of Amaurota, whose decision binds the Bank in matters of up to a thousand thalers.",
    "#Secrecy",
    "The Bank keeps silent about its customers. It passes on data only with their consent, where the law demands it, or "
    "where an order could not be carried out otherwise.",
    "#Changes",
    "The Bank announces changes to these terms two months ahead. Silence is not consent.",
]


def main():
    front, rear = card_front(), card_rear()
    save(on_desk(front, (1400, 960)), "id-front.jpg")
    save(on_desk(rear, (1400, 960), angle=1.2), "id-rear.jpg")
    save(specimen_mark(portrait(480, 600), 84, 60), "id-photo.jpg", 88)
    selfie = portrait(900, 1200, turn=-0.25, smile=0.7, backdrop=((214, 204, 190), (160, 148, 136)))
    save(specimen_mark(selfie, 150, 60), "selfie.jpg")
    film(front, rear)
    document("agreement.pdf", "Agreement on a current account", AGREEMENT)
    document("terms.pdf", "General terms", TERMS)
    # One of each kind: the agreement keeps its table of references, the terms get a stream.
    subprocess.run(
        [
            "qpdf",
            "--object-streams=generate",
            "--deterministic-id",
            "--replace-input",
            str(HERE / "terms.pdf"),
        ],
        check=True,
    )
    facts = {**HOLDER, "mrz": mrz(HOLDER)}
    (HERE / "holder.json").write_text(
        json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()

"""Figures side by side: what a small part of one shows, and files that were made to do harm."""

import os
import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from sgdphysics.errors import InputError
from sgdphysics.provenance.compare import IMAGE_LOCAL
from sgdphysics.provenance.image_differences import MOST_PIXELS, WINDOW, between_figures, differences
from sgdphysics.report import style


def said(path_a, path_b, image_rms=2.0, image_local=IMAGE_LOCAL):
    return list(between_figures(path_a, path_b, image_rms, image_local))


def outcome(*paths):
    """What is said of two files, or of one that cannot be read."""
    try:
        return "; ".join(said(*paths))
    except InputError as error:
        return str(error)


def saved(path, levels, **options):
    Image.fromarray(np.asarray(levels, dtype=np.uint8)).save(path, **options)
    return path


def brute(levels_a, levels_b):
    """What `differences` returns, window by window."""
    squares = np.mean((levels_a.astype(float) - levels_b) ** 2, axis=-1)
    rows, columns = (min(WINDOW, size) for size in squares.shape)
    means = np.lib.stride_tricks.sliding_window_view(squares, (rows, columns)).mean(axis=(2, 3))
    y, x = np.unravel_index(means.argmax(), means.shape)
    return squares.mean() ** 0.5, means.max() ** 0.5, x + columns // 2, y + rows // 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (8, 30), (9, 9), (100, 30), (70, 200)])
@pytest.mark.parametrize("band", [1, 500, 1 << 20])
def test_the_largest_difference_of_a_window_is_found_whatever_is_held_at_a_time(monkeypatch, shape, band):
    monkeypatch.setattr("sgdphysics.provenance.image_differences._BAND_PIXELS", band)
    random = np.random.default_rng(sum(shape))
    levels = [random.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(2)]
    assert differences(*levels) == pytest.approx(brute(*levels), rel=1e-12)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """A figure with curves, marks and text as this project draws them: its file and its levels."""
    import matplotlib.pyplot as plt

    style.use_theme()
    drawn, axes = plt.subplots(1, 2, figsize=(style.TWO_COLUMNS, 5), layout="constrained")
    x = np.linspace(0.1, 9, 200)
    for number in range(5):
        axes[0].loglog(x, np.exp(-x / (number + 1)), label=f"batch size {10 * number}")
        axes[1].plot(x[::8], np.sin(x[::8] + number), "o-", ms=3)
    axes[0].legend()
    axes[0].set(xlabel="rank of the principal direction", ylabel="variance, relative to the first", title="Variances")
    path = tmp_path_factory.mktemp("figures") / "figure.png"
    style.save(drawn, path)
    plt.close(drawn)
    with Image.open(path) as image:
        white = Image.new("RGBA", image.size, "white")
        return path, np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


def test_a_black_spot_is_told_with_its_place(figures, tmp_path):
    path, levels = figures
    spot = levels.copy()
    spot[30:39, 500:509] = 0
    (line,) = said(path, saved(tmp_path / "spot.png", spot))
    assert line == "255 of 255 levels in the 9 x 9 pixels around column 504, row 34"
    assert said(path, tmp_path / "spot.png", image_local=255) == []


def test_what_a_pixel_moves_is_no_difference_of_a_part(figures, tmp_path):
    path, levels = figures
    for axes in ((0,), (1,), (0, 1)):
        moved = saved(tmp_path / "moved.png", np.roll(levels, [1] * len(axes), axes))
        assert said(path, moved, image_rms=100) == []
        (line,) = said(path, moved)
        assert line.startswith("root mean square difference ")
        assert "9 x 9" not in line
    assert said(path, saved(tmp_path / "moved.png", np.roll(levels, 4, 1)), image_rms=100)


def test_other_smoothing_of_edges_is_no_difference(figures, tmp_path):
    path, levels = figures
    between = (0.9 * levels + 0.1 * np.roll(levels, 1, 1)).round()  # a tenth of a pixel aside
    other = saved(tmp_path / "other.png", between)
    assert said(path, other, image_rms=5) == []
    assert said(path, other, image_rms=5, image_local=1)


def test_both_are_told_in_one_line(tmp_path):
    white, black = (saved(tmp_path / f"{level}.png", np.full((20, 30), level)) for level in (255, 0))
    assert said(white, black) == [
        "root mean square difference 255 of 255 levels, 255 of 255 levels in the 9 x 9 pixels around column 4, row 4"
    ]


# --- files of other kinds, and made to do harm


def chunk(kind, content, length=None):
    size = len(content) if length is None else length
    return struct.pack(">I", size) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width, height, depth=8, kind=2, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pixels(size=100):
    return chunk(b"IDAT", zlib.compress(bytes(size)))


END = chunk(b"IEND", b"")
LEVELS = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
# One line: of two pictures, of one that is damaged, or of one whose size was.
READ_OR_NOT = r"|root mean square difference [^\n]*|[^\n]*: (not a readable PNG image \([^\n]*\)|found [^\n]*)|[^\n]* pixels"
BOMB = zlib.compress(bytes(50_000_000))


def written(path, content):
    path.write_bytes(content)
    return path


HOSTILE = {
    "a hundred million pixels": (
        png(header(10_000, 10_000), pixels(), END),
        "found 10000 x 10000 pixels, expected 1 to 16,000,000",
    ),
    "2^62 pixels": (
        png(header((1 << 31) - 1, (1 << 31) - 1), pixels(), END),
        "found 2147483647 x 2147483647 pixels, expected 1 to",
    ),
    "one row too long": (png(header(MOST_PIXELS + 1, 1), pixels(), END), "found 16000001 x 1 pixels, expected 1 to 16,000,000"),
    "no width": (png(header(0, 5), pixels(), END), "found 0 x 5 pixels, expected 1 to 16,000,000"),
    "no height": (png(header(5, 0), pixels(), END), "found 5 x 0 pixels, expected 1 to 16,000,000"),
    "a second size": (png(header(5, 5), header(50_000, 50_000), pixels(), END), r"not a readable PNG image \(2 headers\)"),
    "no size": (png(pixels(), END), r"not a readable PNG image \(0 headers\)"),
    "another depth": (png(header(5, 5, depth=7), pixels(), END), "not a readable PNG image"),
    "another kind of colour": (png(header(5, 5, kind=5), pixels(), END), "not a readable PNG image"),
    "no pixels": (png(header(5, 5), END), "not a readable PNG image"),
    "too few pixels": (png(header(5, 5), pixels(10), END), ""),
    "damaged pixels": (png(header(5, 5), chunk(b"IDAT", b"no zlib"), END), "not a readable PNG image"),
    "a palette without colours": (png(header(5, 5, kind=3), pixels(), END), ""),
    "a chunk longer than the file": (png(header(5, 5), chunk(b"tEXt", b"", 1 << 30)), "not a readable PNG image"),
    "chunks without end": (png(header(5, 5), *[chunk(b"gAMA", bytes(4))] * 2000, pixels(), END), ""),
    "a text that is a bomb": (png(header(5, 5), chunk(b"zTXt", b"a\0\0" + BOMB), pixels(), END), ""),
    "a profile that is a bomb": (png(header(5, 5), chunk(b"iCCP", b"a\0\0" + BOMB), pixels(), END), ""),
    "only a signature": (png(), "not a readable PNG image"),
    "another picture": (b"GIF89a", r"not a readable PNG image \(no signature of PNG\)"),
    "more pixels than it says": (png(header(5, 5), chunk(b"IDAT", BOMB), END), ""),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("error")
def test_a_file_that_was_made_to_do_harm_is_one_line_or_read_as_it_is(tmp_path, name):
    content, told = HOSTILE[name]
    path, good = written(tmp_path / "hostile.png", content), saved(tmp_path / "good.png", np.zeros((5, 5, 3)))
    tracemalloc.start()
    outcomes = [outcome(path, good), outcome(good, path)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for found in outcomes:
        assert re.fullmatch(rf"{path}: [^\n]*{told}[^\n]*" if told else READ_OR_NOT, found)
    assert peak < 30_000_000


def test_a_long_file_is_not_read(tmp_path):
    path, good = tmp_path / "long.png", saved(tmp_path / "good.png", np.zeros((5, 5)))
    path.write_bytes(png(header(5, 5), pixels(), END))
    os.truncate(path, 1 << 36)  # on disk there is next to nothing
    with pytest.raises(InputError, match=r"long\.png: found 68,719,476,736 bytes, expected a PNG image of 134,217,728 at most"):
        said(path, good)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_one_line_or_read_as_they_are(tmp_path, seed):
    random = np.random.default_rng(seed)
    good = saved(tmp_path / "good.png", LEVELS)
    for _ in range(20):
        content = bytearray(good.read_bytes())
        for place in random.integers(0, 120, random.integers(1, 4)):
            content[place] = random.integers(256)
        assert re.fullmatch(READ_OR_NOT, outcome(written(tmp_path / "bad.png", content), good))


def test_pictures_of_every_kind_are_read(tmp_path):
    levels = LEVELS // 64 * 64
    reference = saved(tmp_path / "grey.png", levels)
    Image.fromarray(levels).convert("RGB").save(tmp_path / "colour.png")
    Image.fromarray(levels).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(levels).convert("RGBA").save(tmp_path / "transparent.png")
    Image.fromarray(levels).convert("LA").save(tmp_path / "grey_transparent.png")
    Image.fromarray(levels.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    rows = b"".join(b"\0" + b"".join(struct.pack(">HHH", *[int(level) * 257] * 3) for level in row) for row in levels)
    written(tmp_path / "sixteen_colour.png", png(header(30, 20, depth=16), chunk(b"IDAT", zlib.compress(rows)), END))
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    parts = [levels[y::down, x::right] for y, x, down, right in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    written(tmp_path / "interlaced.png", png(header(30, 20, kind=0, interlaced=1), chunk(b"IDAT", zlib.compress(rows)), END))
    others = sorted(set(tmp_path.iterdir()) - {reference})
    assert len(others) == 7
    for other in others:
        assert said(reference, other, image_rms=0, image_local=0) == [], other.name
    one_bit, black = saved(tmp_path / "bit.png", LEVELS, bits=1), saved(tmp_path / "black.png", np.zeros((20, 30)))
    Image.fromarray(LEVELS).convert("1").save(one_bit)
    assert said(one_bit, black)


@pytest.mark.parametrize("shape", [(1, MOST_PIXELS // 4), (2000, 2000), (MOST_PIXELS // 4, 1)])
def test_large_pictures_take_no_more_memory_than_they_need(tmp_path, shape):
    levels = np.zeros(shape, dtype=np.uint8)
    paths = [saved(tmp_path / "a.png", levels, compress_level=1)]
    levels[-1, -1] = 255
    paths.append(saved(tmp_path / "b.png", levels, compress_level=1))
    tracemalloc.start()
    assert said(*paths, image_rms=0, image_local=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * levels.size

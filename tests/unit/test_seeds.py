"""Every result is drawn from these streams of random numbers: each keeps its numbers whatever streams are added or taken away."""

import pytest

from sgdphysics import seeds

# The first draw of each stream at seed 7 and position 3, an integer below 2^63.
FIRST_DRAWS = {
    "initial_weights": 8699640078927775592,
    "batches": 2245680093998184092,
    "dropout": 5235412261716083404,
    "label_noise": 4954331034002350685,
    "image_draw": 4249378309616694265,
    "surrogate": 5578743731182594264,
    "directions": 2035955687748558026,
    "walkers": 8814648793955142785,
    "matches": 8445601074522402538,
    "shuffled_losses": 7196902031422873258,
    "vectors": 7423225576346562990,
}


def first_draw(stream, seed=7, position=3):
    return int(seeds.generator(seed, stream, position).integers(2**63))


def test_every_stream_has_its_first_draw_pinned():
    assert set(seeds._STREAMS) == set(FIRST_DRAWS)


@pytest.mark.parametrize("stream", FIRST_DRAWS)
def test_a_stream_keeps_its_numbers(stream):
    assert first_draw(stream) == FIRST_DRAWS[stream]


def test_no_two_streams_have_a_number_in_common():
    assert len(set(seeds._STREAMS.values())) == len(seeds._STREAMS)


@pytest.mark.parametrize("change", [reversed, lambda streams: streams[1:]], ids=["reordered", "one removed"])
def test_the_order_of_the_streams_and_other_streams_change_none(change, monkeypatch):
    monkeypatch.setattr(seeds, "_STREAMS", dict(change(list(seeds._STREAMS.items()))))
    assert {stream: first_draw(stream) for stream in seeds._STREAMS} == {s: FIRST_DRAWS[s] for s in seeds._STREAMS}


def test_streams_differ_between_seeds_and_positions():
    draws = {first_draw("batches", seed, position) for seed in range(5) for position in range(5)}
    assert len(draws) == 25


def test_an_unknown_stream_is_named_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"^purpose: 'weights' is none of initial_weights, batches, "):
        seeds.generator(0, "weights")

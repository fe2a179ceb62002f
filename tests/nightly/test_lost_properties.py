"""A record without each of its properties, or with another value of it, in every way."""

import small_study as small


def test_a_record_that_lost_anything_in_any_way_is_answered(tmp_path):
    codes = small.codes_of_a_record_that_lost(small.finish(tmp_path / "project"), in_turn=False)
    assert set(codes) == {0, 1, 2}
    assert len(codes) > 3000

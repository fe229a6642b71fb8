"""Cursors: they bring back what they were made of, to whom they were made for, and tell nobody else anything."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo.cursor import Cursors, FeedCursor, PageCursor
from geo.errors import InvalidCursor

CURSORS = Cursors("a secret")
OTHERS = Cursors("another secret")

queries = st.text(st.characters(exclude_categories=["Cs"]))
feed_cursors = st.builds(FeedCursor, st.uuids(), st.integers(0, 2**63 - 1))
moments = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - given its zone here
page_cursors = st.builds(PageCursor, moments, st.uuids())


@given(feed_cursors)
def test_a_place_in_the_feed_comes_back(cursor: FeedCursor) -> None:
    assert CURSORS.open_feed(CURSORS.seal_feed(cursor)) == cursor


@given(queries, page_cursors)
def test_a_row_comes_back_to_its_query(query: str, cursor: PageCursor) -> None:
    """To the microsecond: a row must not fall between two pages."""
    assert CURSORS.open_page(query, CURSORS.seal_page(query, cursor)) == cursor


@given(queries, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_code_comes_back_to_its_query(query: str, code: str) -> None:
    assert CURSORS.open_code(query, CURSORS.seal_code(query, code)) == code


@given(queries, queries, page_cursors, feed_cursors)
def test_a_cursor_is_of_no_use_elsewhere(query: str, other: str, page: PageCursor, feed: FeedCursor) -> None:
    assume(query != other)
    of_page, of_feed = CURSORS.seal_page(query, page), CURSORS.seal_feed(feed)
    for opened in (
        lambda: CURSORS.open_page(other, of_page),
        lambda: CURSORS.open_feed(of_page),
        lambda: OTHERS.open_page(query, of_page),
        lambda: OTHERS.open_feed(of_feed),
    ):
        with pytest.raises(InvalidCursor) as refused:
            opened()
        assert refused.value.path == ("after",)
        assert refused.value.hint
    if query != "feed":
        with pytest.raises(InvalidCursor):
            CURSORS.open_page(query, of_feed)


@given(feed_cursors, st.data())
def test_a_changed_cursor_is_refused(cursor: FeedCursor, data: st.DataObject) -> None:
    sealed = CURSORS.seal_feed(cursor)
    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:place] + data.draw(st.sampled_from("ABCabc012-_")) + sealed[place + 1 :]
    assume(urlsafe_b64decode(changed + "==") != urlsafe_b64decode(sealed + "=="))
    with pytest.raises(InvalidCursor):
        CURSORS.open_feed(changed)
    with pytest.raises(InvalidCursor):
        CURSORS.open_feed(sealed[:place])


@given(st.text())
def test_other_text_is_no_cursor(text: str) -> None:
    for opened in (lambda: CURSORS.open_feed(text), lambda: CURSORS.open_page("x", text)):
        with pytest.raises(InvalidCursor):
            opened()


@given(feed_cursors, st.integers(1, 1_000))
def test_two_places_look_unrelated(cursor: FeedCursor, further: int) -> None:
    """Nobody can tell from two of them how many events lie between."""
    assume(cursor.position + further < 2**63)
    places = cursor, cursor._replace(position=cursor.position + further)
    one, other = (urlsafe_b64decode(CURSORS.seal_feed(place) + "==") for place in places)
    assert len(one) == len(other)
    assert sum(a == b for a, b in zip(one, other, strict=True)) < len(one) / 2


@given(feed_cursors)
def test_one_place_has_one_cursor(cursor: FeedCursor) -> None:
    assert CURSORS.seal_feed(cursor) == Cursors("a secret").seal_feed(cursor)

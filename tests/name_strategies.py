"""Hypothesis strategies for the names that a mapping may give to labels, relation types and properties."""

from hypothesis import strategies as st

from kg.names import alike, composed, is_name

characters = st.one_of(
    st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"]), st.sampled_from("aZé作 _-'&")
)


def _names(prefix, count):
    name = st.text(characters, max_size=20).map(lambda text: composed(prefix + text)).filter(is_name)
    return st.lists(name, min_size=count, max_size=count, unique_by=alike)


def three_names(prefix):
    """Lists of three names that begin with the prefix, none like another."""
    return _names(prefix, 3)


def two_names(prefix):
    """Lists of two names that begin with the prefix, not like each other."""
    return _names(prefix, 2)

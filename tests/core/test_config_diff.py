import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.config_diff import KeyChange, configs, flat, packages

KEYS = st.text("ab. [\"'é", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-1, 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TREES = st.dictionaries(KEYS, VALUES, max_size=4)


@given(a=TREES, b=TREES)
def test_a_diff_is_exactly_what_turns_one_side_into_the_other(a: dict[str, Any], b: dict[str, Any]) -> None:
    changes = configs(json.dumps(a), json.dumps(b))
    assert changes is not None
    state = flat(a)
    for change in changes:
        assert state.get(change.key) == change.before != change.after
        state.pop(change.key, None)
        if change.after is not None:
            state[change.key] = change.after
    assert state == flat(b)
    back = configs(json.dumps(b), json.dumps(a))
    assert back == tuple(KeyChange(c.key, c.after, c.before) for c in changes)


@given(a=TREES, b=TREES)
def test_nothing_differs_only_when_nothing_does(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert configs(json.dumps(a), json.dumps(a)) == ()
    # JSON, not Python, says what is equal: 1 is not true and not 1.0.
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (configs(json.dumps(a), json.dumps(b)) == ()) is same


def test_two_fixtures_differ_in_the_expected_keys() -> None:
    before = "[train]\nrate = 0.1\ndepth = 6\nlayers = [1, 2]\n[features]\nuse = true\n"
    after = '[train]\nrate = 0.2\nlayers = [1, 3, 4]\n[features]\nuse = true\n"new.key" = "x"\n'
    changes = configs(before, after)
    assert changes is not None
    assert [(c.key, c.before, c.after) for c in changes] == [
        ('features."new.key"', None, '"x"'),
        ("train.depth", "6", None),
        ("train.layers[1]", "2", "3"),
        ("train.layers[2]", None, "4"),
        ("train.rate", "0.1", "0.2"),
    ]
    assert configs("rate: 0.1", "rate: 0.2") is None  # YAML is compared line by line


def test_packages_compare_as_the_packaging_rules_say() -> None:
    before = "Scikit_Learn==1.5\nnumpy==2.1 # pinned\nold==1\nlib @ file:///a\n# comment\n"
    after = "scikit-learn==1.6\nnumpy==2.1\nlib @ file:///b\nnew[extra]==2 \\\n  --hash=sha256:x\n"
    assert [(c.name, c.before, c.after) for c in packages(before, after)] == [
        ("lib", "file:///a", "file:///b"),
        ("new", None, "2"),
        ("old", "1", None),
        ("scikit-learn", "1.5", "1.6"),
    ]

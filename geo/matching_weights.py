"""The weights of `geo.matching`, fitted and written by `python -m bench.fit_matching`. Not to be edited."""

PLACE = {
    "constant": -1.711,
    "near": 3.434,
    "fresh": 2.464,
    "open": 2.314,
}

WORDS = {
    "constant": -0.917,
    "place": 0.177,
    "recent": 4.284,
    "here": 2.388,
    "about": 1.469,
    "things": 0.794,
    "troubles": 1.239,
    "same_things": 0.598,
    "same_troubles": 0.215,
    "same_marks": 0.278,
}

"""The weights of `geo.matching`, fitted and written by `python -m bench.fit_matching`. Not to be edited."""

PLACE = {
    "constant": -1.711,
    "near": 3.434,
    "fresh": 2.464,
    "open": 2.314,
}

WORDS = {
    "constant": -0.558,
    "place": 0.197,
    "recent": 3.027,
    "once": 0.444,
    "related": 1.371,
    "sibling": 0.351,
    "number": 0.432,
    "things": 0.368,
    "troubles": 0.958,
    "marks": 0.19,
    "same_things": 0.937,
    "same_troubles": 0.866,
    "same_marks": 0.903,
}

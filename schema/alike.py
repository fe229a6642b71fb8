"""Which fields are the same for every caller that is told of something, so that it is made once for all of them.

A resolver without `info` knows nothing of the caller. One that takes `info` is taken to depend on the caller, unless
its field is marked: `metadata=FROM_MEMORY` where the answer is the same for all and at hand, `metadata=FROM_DATABASE`
where it is the same for all and has to be read.
"""

FROM_MEMORY: dict[object, object] = {"alike": "memory"}
FROM_DATABASE: dict[object, object] = {"alike": "database"}

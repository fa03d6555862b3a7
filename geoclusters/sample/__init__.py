"""The sample world: generated patents, articles and deals, of any size, with known contents.

Seats (`seats`) and organisations (`organisations`) make up a `world`; blocks of `documents` are
drawn from it and spoilt with known faults (`dirt`); `writing` puts them into files of three kinds
with a study that runs on them, and `truth` says what was put in.
"""

from geoclusters.sample.writing import write_sample

__all__ = ["write_sample"]

"""Proposes a study for files: whose they are, which belong together, what their columns mean, and what is missing."""

from geoclusters.proposing.proposal import Proposal, propose_study

__all__ = ["Proposal", "propose_study"]

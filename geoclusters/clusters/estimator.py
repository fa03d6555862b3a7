"""DBSCAN on the sphere behind scikit-learn's estimator interface."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import validate_data

from geoclusters.clusters.density import Border, check_radius, dense_clusters
from geoclusters.clusters.inputs import check_weights
from geoclusters.earth import as_floats
from geoclusters.machine import processors

if TYPE_CHECKING:
    from typing import Self


class GridDBSCAN(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """
    Weighted DBSCAN under great-circle distance, exact.

    A point is a core point when the points within `eps_km` of it, itself included, weigh
    `min_weight` or more. Time grows with the number of points in practice; memory rises by
    some 40 to 55 bytes a point.

    Parameters
    ----------
    eps_km : float
        Radius on the sphere of `geoclusters.earth.EARTH_RADIUS_KM`, at least 1e-4; a distance
        equal to it is within.
    min_weight : float
        Weight from which a place is dense; more than 0.
    border : {"nearest", "first"}
        Cluster of a border point that is near several: that of its nearest core point (ties: the
        smallest row), or the one with the smallest number, which gives the labels of
        scikit-learn's DBSCAN one for one.
    n_jobs : int or None
        How many threads may work: None for one, -1 for one a processor. The result does not depend on it.

    Attributes
    ----------
    labels_ : numpy.ndarray of int64, shape (n,)
        Number of the cluster of every row, -1 for noise. Clusters are numbered by the smallest row
        of their core points.
    core_sample_mask_ : numpy.ndarray of bool, shape (n,)
        Whether a row is a core point.
    core_sample_indices_ : numpy.ndarray of int64, shape (n_core,)
        Rows of the core points.
    n_features_in_ : int
        2: latitude and longitude.
    feature_names_in_ : numpy.ndarray of str, shape (2,)
        Names of the columns, where X has some.

    See Also
    --------
    geoclusters.clusters.density.dense_clusters : The same as a function, with the rules for
    weights.

    Examples
    --------
    >>> latlon = [[48.1, 11.5], [48.1, 11.6], [52.5, 13.4]]
    >>> GridDBSCAN(15, 5).fit(latlon, sample_weight=[3, 2, 1]).labels_.tolist()
    [0, 0, -1]
    """

    def __init__(
        self,
        eps_km: float = 15.0,
        min_weight: float = 5,
        *,
        border: Border = "nearest",
        n_jobs: int | None = None,
    ) -> None:
        self.eps_km = eps_km
        self.min_weight = min_weight
        self.border = border
        self.n_jobs = n_jobs

    def fit(
        self,
        X: npt.ArrayLike,  # noqa: N803
        y: object = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """
        Find the clusters.

        Parameters
        ----------
        X : array_like of float, shape (n, 2)
            Latitude and longitude, WGS 84 degrees; latitude in -90..90, longitude in -360..360.
        y : None
            Not used.
        sample_weight : array_like of int or float, shape (n,), optional
            Not negative; 1 where left out. A row of weight 0 adds nothing, but can itself be a
            core point.

        Returns
        -------
        GridDBSCAN
            This object, with its attributes set.

        Raises
        ------
        ValueError
            When X or the weights are of the wrong shape, not finite or out of range, every weight
            is zero, or a parameter is impossible.
        """
        del y
        check_radius("eps_km", self.eps_km)
        latlon = self._checked(X)
        weight = None if sample_weight is None else check_weights(sample_weight, len(latlon))
        if weight is not None and not weight.any():
            raise ValueError("every sample weight is zero, so nothing can be dense")
        found = dense_clusters(
            latlon[:, 0],
            latlon[:, 1],
            weight,
            radius_km=self.eps_km,
            min_weight=self.min_weight,
            border=self.border,
            threads=self._threads(),
        )
        self.labels_ = found.labels
        self.core_sample_mask_ = found.core
        self.core_sample_indices_ = np.flatnonzero(found.core)
        return self

    def fit_predict(
        self,
        X: npt.ArrayLike,  # noqa: N803
        y: object = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> npt.NDArray[np.int64]:
        """
        Find the clusters and return the label of every row.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.

        Returns
        -------
        numpy.ndarray of int64, shape (n,)
            `labels_`.
        """
        return self.fit(X, y, sample_weight=sample_weight).labels_

    def _checked(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:  # noqa: N803
        """Give X as floats after scikit-learn's checks, and remember its width and the names of its columns."""
        given = as_floats(X) if isinstance(X, np.ma.MaskedArray) else X
        latlon = validate_data(self, given, dtype=np.float64)
        if latlon.shape[1] != 2:
            raise ValueError(
                "X must have 2 columns, latitude and longitude in degrees,"
                f" not n_features={latlon.shape[1]}"
            )
        names = [name.lower() for name in getattr(self, "feature_names_in_", ("", ""))]
        if names[0].startswith(("lon", "lng")) and names[1].startswith("lat"):
            raise ValueError(
                f"X has the columns {', '.join(self.feature_names_in_)}; give latitude first, then longitude"
            )
        return np.asarray(latlon)

    def _threads(self) -> int:
        """As scikit-learn means `n_jobs`: -1 is all processors, -2 all but one."""
        if self.n_jobs is None:
            return 1
        if not isinstance(self.n_jobs, Integral) or not self.n_jobs:
            raise ValueError(
                f"`n_jobs` must be None or a whole number other than 0, not {self.n_jobs!r}"
            )
        return int(self.n_jobs) if self.n_jobs > 0 else max(processors() + 1 + self.n_jobs, 1)

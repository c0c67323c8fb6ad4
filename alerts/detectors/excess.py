"""How far a count lies from what was expected, in standard deviations of a count noisier than Poisson."""

import numpy as np

from alerts.detectors.stars import Floats


def excess_score(seen: Floats, expected: Floats, looseness: Floats) -> Floats:
    """Return ±√(2(y ln(y/μ) − (y − μ))) / √(1 + looseness); positive is more than expected, NaN unless μ > 0.

    The numerator is the signed root of Poisson deviance (near normal even at small counts); `looseness` is the variance
    beyond Poisson, as a multiple of μ: μ·φ for negative binomial noise of days, plus μ/y_b for an uncertain baseline.
    """
    mean = np.where(expected > 0, expected, np.nan)
    log_term = np.where(seen > 0, seen * np.log(np.maximum(seen, 1e-300) / mean), 0.0)
    deviance = np.maximum(2 * (log_term - (seen - mean)), 0.0)
    return np.sign(seen - mean) * np.sqrt(deviance) / np.sqrt(1 + looseness)


def surge_score(seen: Floats, expected: Floats, spread: Floats) -> Floats:
    """Return the signed root of negative binomial deviance; positive is more than expected, NaN unless μ > 0.

    `spread` φ is the relative variance of μ itself. z = ±√(2(y ln(y/μ) − (y + r) ln((y + r)/(μ + r)))), r = 1/φ. With
    large counts it grows as the logarithm of y/μ over √φ, as it should when a whole day can be worse by a factor.
    """
    mean = np.where(expected > 0, expected, np.nan)
    size = 1 / np.maximum(spread, 1e-6)
    log_term = np.where(seen > 0, seen * np.log(np.maximum(seen, 1e-300) / mean), 0.0)
    deviance = 2 * (log_term - (seen + size) * np.log((seen + size) / (mean + size)))
    surge: Floats = np.sign(seen - mean) * np.sqrt(np.maximum(deviance, 0.0))
    return surge

"""The one formula for a fall of the stars, used by the rating drop and by the version guard."""

import numpy as np

from alerts.detectors.stars import Baseline, Floats, Spell

LEAST_RECENT = 5  # reviews in the window
LEAST_BEFORE = 20  # reviews in the baseline
SMALL_SAMPLE = 8.0  # reviews of caution: λ = n / (n + 8)


def drop_score(window: Spell, usual: Baseline, allowance: float = 0.0) -> tuple[Floats, Floats]:
    """Return (score, variance of the difference); the score is NaN where there are too few reviews.

    z = λ(m_b − m_w) / √(λ²s²/n_w + τ²(Σn_d²/n_w² + Σn_d²/n_b²) + s²/n_b + κ² + allowance²·s²/2), λ = n_w/(n_w + 8).
    Positive is worse. The variance returned is the same sum with λ = 1, for the interval of the plain difference.
    """
    n = np.maximum(window.reviews, 1.0)
    trust = n / (n + SMALL_SAMPLE)
    before = np.maximum(usual.spell.reviews, 1.0)
    lasting = (
        usual.day * (window.day_share + usual.spell.day_share)
        + usual.variance / before
        + usual.drift
        + allowance**2 * usual.variance / 2
    )
    sampling = usual.variance / n
    score = trust * (usual.spell.mean - window.mean) / np.sqrt(trust**2 * sampling + lasting)
    enough = (window.reviews >= LEAST_RECENT) & (usual.spell.reviews >= LEAST_BEFORE)
    return np.where(enough, score, np.nan), sampling + lasting

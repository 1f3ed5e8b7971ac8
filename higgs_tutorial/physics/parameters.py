"""Every free parameter of generator and detector, in one table: value, meaning and plausible range.

The values were tuned on half of a sample of real events by `benchmarks/tune_simulation.py`, as experiments tune
their simulations; the masses and widths of known particles are not free.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields


def _parameter(value: float, low: float, high: float, meaning: str) -> float:
    return field(default=value, metadata={"range": (low, high), "meaning": meaning})


@dataclass(frozen=True)
class Parameters:
    """The tuned table. `Parameters()` is what `simulate` uses; `describe()` lists it."""

    gluon_rise: float = _parameter(
        0.30, 0.1, 0.6, "x g(x) ~ x^-rise (1 - x)^fall at a scale of a few 100 GeV"
    )
    gluon_fall: float = _parameter(5.5, 3.0, 8.0, "power of (1 - x) in the gluon density")
    quark_fraction: float = _parameter(0.17, 0.0, 0.35, "share of top pairs made by quark and antiquark")
    top_scale: float = _parameter(
        0.0, -1.0, 1.5, "running of couplings in top pairs: weight (m_tt / 350)^-scale"
    )

    isr_signal: float = _parameter(2.0, 0.5, 4.0, "mean number of initial-state gluons above 8 GeV, signal")
    isr_background: float = _parameter(1.8, 0.5, 4.0, "the same, background")
    isr_slope: float = _parameter(2.0, 1.2, 3.5, "their spectrum falls as pT^-slope")
    isr_width: float = _parameter(1.8, 1.0, 3.0, "spread of their pseudorapidity around the hard system's")
    recoil: float = _parameter(
        6.0, 1.0, 15.0, "Gaussian recoil (GeV per axis) against soft unlisted radiation"
    )

    fsr: float = _parameter(0.25, 0.0, 0.8, "mean number of gluons a quark radiates outside its jet")
    fsr_soft: float = _parameter(0.1, 0.03, 0.25, "smallest share of the quark's pT such a gluon takes")
    fsr_wide: float = _parameter(1.6, 0.8, 3.0, "largest distance in (eta, phi) of such a gluon")
    merge_radius: float = _parameter(0.55, 0.4, 0.8, "two partons closer than this make one jet")
    merge_spread: float = _parameter(0.1, 0.0, 0.2, "Gaussian spread of that radius")

    response: float = _parameter(0.95, 0.7, 1.2, "median of listed / ordering pT of a light jet")
    response_b: float = _parameter(1.15, 0.9, 1.5, "the same of a b-jet, relative to a light jet")
    noise: float = _parameter(
        1.0, 0.0, 3.0, "stochastic term of the jet resolution (sqrt(GeV)): noise / sqrt(pT)"
    )
    constant: float = _parameter(0.2, 0.05, 0.4, "constant term of the jet resolution")
    skew: float = _parameter(0.0, 0.0, 1.0, "0: Gaussian response; 1: log-normal response")
    angle: float = _parameter(0.04, 0.0, 0.12, "smearing of a jet's eta and phi")
    semileptonic: float = _parameter(0.25, 0.0, 0.4, "share of b-jets with a muon or neutrino that escapes")
    escape: float = _parameter(0.3, 0.1, 0.5, "mean share of the b-jet's pT that escapes then")
    met_share: float = _parameter(
        1.0, 0.0, 1.2, "share of the jets' mismeasurement seen in the missing energy"
    )
    met_noise: float = _parameter(8.0, 0.0, 30.0, "Gaussian noise of the missing energy (GeV per axis)")

    tag_plateau: float = _parameter(0.6, 0.4, 0.8, "b-tag efficiency at high pT, central")
    tag_turn_on: float = _parameter(
        25.0, 5.0, 60.0, "pT (GeV) at which the b-tag efficiency is half the plateau's"
    )
    tag_eta: float = _parameter(1.1, 0.8, 1.4, "|eta| up to which it is flat; it falls linearly from there")
    tag_eta_end: float = _parameter(1.8, 1.6, 2.0, "|eta| at which it has fallen to zero")
    tag_charm: float = _parameter(0.12, 0.0, 0.4, "tag rate of charm jets relative to b-jets")
    tag_light: float = _parameter(0.01, 0.0, 0.05, "tag rate of other jets relative to b-jets")
    loose: float = _parameter(0.185, 0.1, 0.3, "share of the tags that are only loose")

    @classmethod
    def describe(cls) -> list[tuple[str, float, float, float, str]]:
        """Rows (name, value, low end of the plausible range, high end, meaning)."""
        return [(f.name, f.default, *f.metadata["range"], f.metadata["meaning"]) for f in fields(cls)]

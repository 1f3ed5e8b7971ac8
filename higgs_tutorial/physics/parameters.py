"""Every free parameter of generator and detector, in one table: value, meaning and plausible range.

The values were tuned on half of a sample of real events, as experiments tune their simulations: by
`benchmarks/tune_simulation.py`, and the last of them (`isr_background`, its slope and width, `response`,
`response_b`, `loss_b`) by a scan by hand on the same half. The masses and widths of known particles are not free.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields


def _parameter(value: float, low: float, high: float, meaning: str) -> float:
    return field(default=value, metadata={"range": (low, high), "meaning": meaning})


@dataclass(frozen=True)
class Parameters:
    """The tuned table. `Parameters()` is what `simulate` uses; `describe()` lists it."""

    gluon_rise: float = _parameter(
        0.511, 0.1, 0.6, "x g(x) ~ x^-rise (1 - x)^fall at a scale of a few 100 GeV"
    )
    gluon_fall: float = _parameter(7.63, 4.0, 9.0, "power of (1 - x) in the gluon density")
    quark_fraction: float = _parameter(0.306, 0.0, 0.35, "share of top pairs made by quark and antiquark")
    top_scale: float = _parameter(
        1.01, -1.0, 1.5, "running of couplings in top pairs: weight (m_tt / 350)^-scale"
    )

    isr_signal: float = _parameter(2.41, 0.5, 4.0, "mean number of initial-state gluons above 8 GeV, signal")
    isr_background: float = _parameter(2.1, 0.5, 4.0, "the same, background")
    isr_slope_signal: float = _parameter(1.58, 1.0, 3.0, "their spectrum falls as pT^-slope, signal")
    isr_slope_background: float = _parameter(1.9, 1.0, 3.0, "the same, background")
    isr_end: float = _parameter(288.0, 100.0, 500.0, "largest pT of theirs (GeV)")
    isr_width_signal: float = _parameter(2.98, 1.5, 4.5, "they lie this far in eta around the system, signal")
    isr_width_background: float = _parameter(3.6, 1.5, 4.5, "the same, background")
    recoil: float = _parameter(
        7.64, 1.0, 15.0, "Gaussian recoil (GeV per axis) against soft unlisted radiation"
    )

    fsr: float = _parameter(0.141, 0.0, 0.8, "mean number of gluons a quark radiates outside its jet")
    fsr_soft: float = _parameter(0.173, 0.03, 0.25, "smallest share of the quark's pT such a gluon takes")
    fsr_wide: float = _parameter(1.83, 0.8, 3.0, "largest distance in (eta, phi) of such a gluon")
    merge_radius: float = _parameter(0.712, 0.6, 0.8, "two partons closer than this may make one jet")
    merge_spread: float = _parameter(
        0.238, 0.0, 0.5, "merge_radius minus the distance at which they always do"
    )
    isolation: float = _parameter(0.794, 0.0, 1.0, "chance to lose a lepton with a jet within merge_radius")

    order_noise: float = _parameter(
        0.293, 0.0, 0.6, "relative noise of the pT that decided the order of the jets"
    )
    order_b: float = _parameter(
        0.856, 0.5, 1.2, "ordering pT of a b-jet over that of a light jet of the same pT"
    )
    response: float = _parameter(1.0, 0.7, 1.2, "median of listed / ordering pT of a light jet")
    response_b: float = _parameter(1.03, 0.7, 1.3, "the same of a b-jet, relative to a light jet")
    noise: float = _parameter(
        0.889, 0.0, 3.0, "stochastic term of the jet resolution (sqrt(GeV)): noise / sqrt(pT)"
    )
    constant: float = _parameter(0.0317, 0.0, 0.3, "constant term of the jet resolution")
    loss: float = _parameter(1.14, -3.0, 5.0, "pT (GeV) that the response of a soft jet lacks")
    loss_b: float = _parameter(4.0, -3.0, 8.0, "the same of a b-jet")
    leak: float = _parameter(0.0439, 0.0, 0.15, "mean share of a jet's pT that falls outside of it")
    tail: float = _parameter(0.0842, 0.0, 0.4, "share of jets measured twice as badly")
    angle: float = _parameter(0.0554, 0.0, 0.12, "smearing of a jet's eta and phi")
    semileptonic: float = _parameter(0.216, 0.0, 0.4, "share of b-jets whose decay lets neutrinos escape")
    escape: float = _parameter(0.279, 0.1, 0.5, "mean share of the b-jet's pT that escapes then")
    met_share: float = _parameter(
        0.715, 0.0, 1.2, "share of the jets' mismeasurement seen in the missing energy"
    )
    met_noise: float = _parameter(1.02, 0.0, 30.0, "Gaussian noise of the missing energy (GeV per axis)")
    met_stochastic: float = _parameter(
        0.879, 0.0, 1.5, "its part that grows with the root of the summed jet pT"
    )

    tag_plateau: float = _parameter(0.627, 0.4, 0.8, "b-tag efficiency at high pT, central")
    tag_turn_on: float = _parameter(
        20.8, 5.0, 60.0, "pT (GeV) at which the b-tag efficiency is half the plateau's"
    )
    tag_eta: float = _parameter(1.14, 0.8, 1.4, "|eta| up to which it is flat; it falls linearly from there")
    tag_eta_end: float = _parameter(1.94, 1.6, 2.0, "|eta| at which it has fallen to zero")
    tag_charm: float = _parameter(0.445, 0.0, 0.6, "tag rate of charm jets relative to b-jets")
    tag_light: float = _parameter(0.0588, 0.0, 0.1, "tag rate of other jets relative to b-jets")
    loose: float = _parameter(0.183, 0.1, 0.3, "share of the tags that are only loose")

    def radiation(self, signal: bool) -> tuple[float, float, float]:
        """Mean number, slope and width of the initial-state radiation of one class."""
        if signal:
            return self.isr_signal, self.isr_slope_signal, self.isr_width_signal
        return self.isr_background, self.isr_slope_background, self.isr_width_background

    @classmethod
    def describe(cls) -> list[tuple[str, float, float, float, str]]:
        """Rows (name, value, low end of the plausible range, high end, meaning)."""
        return [(f.name, f.default, *f.metadata["range"], f.metadata["meaning"]) for f in fields(cls)]

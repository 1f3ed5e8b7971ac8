"""Every free parameter of generator and detector, in one table: value, meaning and plausible range.

The values were tuned on half of a sample of HIGGS events, as experiments tune their simulations, by
``benchmarks/tune_simulation.py``; two of them by hand on the same half, because the histograms say little of them: the
ends of the gluons' spectra (110 GeV; the others of the radiation were tuned again with these) and ``jet_mass`` (0.325).
The masses and widths of known particles are not free. The initial-state radiation of signal (made by gluons) and
background (by gluons or quarks) is tuned separately: a description, not an explanation.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from numbers import Real


def _parameter(
    value: float, low: float, high: float, meaning: str, possible: tuple[float, float] = (0.0, 1000.0)
) -> float:
    """A field: its value, its plausible range (for tuning), and what it may be at all."""
    return field(default=value, metadata={"range": (low, high), "meaning": meaning, "possible": possible})


SHARE = (0.0, 1.0)
POWER = (-20.0, 20.0)


@dataclass(frozen=True)
class InitialState:
    """The initial-state radiation of one class: mean number of gluons, fall of their pT, reach in η, veto, recoil."""

    number: float
    slope: float
    end: float
    width: float
    veto: float
    recoil: float


@dataclass(frozen=True)
class Parameters:
    """The tuned table. ``Parameters()`` is what `simulate` uses; ``describe()`` lists it.

    Raises:
        ValueError: if a value is not a number, or not possible: a share above 1, a negative width.
    """

    gluon_rise: float = _parameter(
        0.5582, 0.1, 0.6, "x g(x) ~ x^-rise (1 - x)^fall at a scale of a few 100 GeV", (-1.0, 1.0)
    )
    gluon_fall: float = _parameter(7.952, 4.0, 9.0, "power of (1 - x) in the gluon density", (0.0, 100.0))
    quark_fraction: float = _parameter(
        0.299, 0.0, 0.35, "share of top pairs made by quark and antiquark", SHARE
    )
    top_scale: float = _parameter(
        1.225, -1.0, 1.5, "running of couplings in top pairs: weight (m_tt / 350)^-scale", POWER
    )

    isr_number_signal: float = _parameter(
        2.637, 0.5, 4.0, "mean number of initial-state gluons above 8 GeV, signal"
    )
    isr_number_background: float = _parameter(2.493, 0.5, 4.0, "the same, background")
    isr_slope_signal: float = _parameter(1.09, 1.0, 3.0, "their spectrum falls as pT^-slope, signal", POWER)
    isr_slope_background: float = _parameter(1.419, 1.0, 3.0, "the same, background", POWER)
    isr_end_signal: float = _parameter(
        110.0, 50.0, 800.0, "and as exp(-pT / end) beyond (GeV), signal", (1.0, 1e4)
    )
    isr_end_background: float = _parameter(110.0, 50.0, 800.0, "the same, background", (1.0, 1e4))
    isr_width_signal: float = _parameter(
        3.522, 1.5, 4.5, "they lie this far in eta around the system, signal", (0.0, 10.0)
    )
    isr_width_background: float = _parameter(3.894, 1.5, 4.5, "the same, background", (0.0, 10.0))
    isr_narrow: float = _parameter(
        0.3944, 0.0, 1.0, "less by this for each unit of ln pT above 8 GeV", (0.0, 10.0)
    )
    isr_veto_signal: float = _parameter(
        1.42, 0.0, 8.0, "power of (1 - x) that weighs their energy, signal", (0.0, 100.0)
    )
    isr_veto_background: float = _parameter(2.525, 0.0, 8.0, "the same, background", (0.0, 100.0))
    isr_recoil_signal: float = _parameter(
        10.35, 1.0, 15.0, "Gaussian recoil (GeV per axis) against softer gluons, signal", (0.0, 200.0)
    )
    isr_recoil_background: float = _parameter(6.551, 1.0, 15.0, "the same, background", (0.0, 200.0))

    jet_mass: float = _parameter(
        0.325, 0.1, 0.4, "root mean square of a jet's mass over its energy, of h0 and W", (0.0, 0.6)
    )
    jet_mass_top: float = _parameter(0.2665, 0.1, 0.4, "the same of the b-quark of a top", (0.0, 0.6))
    fsr: float = _parameter(0.1503, 0.0, 0.8, "chance that a quark radiates a gluon outside its jet", SHARE)
    fsr_soft: float = _parameter(
        0.1801, 0.03, 0.25, "smallest share of its energy, over the largest, 1/2", (1e-3, 1.0)
    )
    fsr_wide: float = _parameter(1.887, 0.8, 3.0, "largest angle (radians) of such a gluon", (0.4, 6.0))
    merge_radius: float = _parameter(
        0.7132, 0.6, 0.8, "two partons closer than this may make one jet", (0.0, 3.0)
    )
    merge_spread: float = _parameter(
        0.2315, 0.0, 0.5, "merge_radius minus the distance at which they always do"
    )
    isolation: float = _parameter(
        0.7386, 0.0, 1.0, "chance to lose a lepton with a jet within merge_radius", SHARE
    )

    lepton_soft: float = _parameter(
        0.2389, 0.0, 0.9, "chance to lose a lepton of 15 GeV; falls as 1 / pT", SHARE
    )
    lepton_forward: float = _parameter(0.06927, 0.0, 0.3, "chance to lose a lepton beyond |eta| = 1.5", SHARE)

    order_noise: float = _parameter(
        0.2926, 0.0, 0.6, "relative noise of the pT that decided the order of the jets", (0.0, 5.0)
    )
    order_b: float = _parameter(
        0.8083, 0.5, 1.2, "ordering pT of a b-jet over that of a light jet of the same pT", (0.01, 100.0)
    )
    response: float = _parameter(
        1.0, 0.7, 1.2, "jet energy scale: a factor of all jets' pT, to vary; not tuned", (0.01, 100.0)
    )
    calibration: float = _parameter(
        1.038, 0.7, 1.2, "median of listed / ordering pT of a light jet", (0.01, 100.0)
    )
    response_b: float = _parameter(
        0.9869, 0.7, 1.3, "the same of a b-jet, relative to a light jet", (0.01, 100.0)
    )
    noise: float = _parameter(
        0.6928, 0.0, 3.0, "stochastic term of the jet resolution (sqrt(GeV)): noise / sqrt(pT)"
    )
    constant: float = _parameter(0.006, 0.0, 0.3, "constant term of the jet resolution")
    loss: float = _parameter(1.935, -3.0, 5.0, "pT (GeV) that the response of a soft jet lacks", POWER)
    loss_b: float = _parameter(3.318, -3.0, 8.0, "the same of a b-jet", POWER)
    leak: float = _parameter(0.01933, 0.0, 0.15, "mean share of a jet's pT that falls outside of it", SHARE)
    tail: float = _parameter(0.06852, 0.0, 0.4, "share of jets measured twice as badly", SHARE)
    angle: float = _parameter(0.06136, 0.0, 0.12, "smearing of a jet's eta and phi")
    semileptonic: float = _parameter(
        0.2074, 0.0, 0.4, "share of b-jets whose decay lets neutrinos escape", SHARE
    )
    escape: float = _parameter(0.3504, 0.1, 0.5, "mean share of the b-jet's pT that escapes then")
    met_share: float = _parameter(
        0.7244, 0.0, 1.2, "share of the jets' mismeasurement seen in the missing energy"
    )
    met_noise: float = _parameter(2.228, 0.0, 30.0, "Gaussian noise of the missing energy (GeV per axis)")
    met_stochastic: float = _parameter(
        0.9186, 0.0, 1.5, "its part that grows with the root of the summed jet pT"
    )

    tag_plateau: float = _parameter(0.5379, 0.3, 0.8, "b-tag efficiency at high pT, central", (0.01, 0.95))
    tag_turn_on: float = _parameter(
        45.71, 10.0, 90.0, "pT (GeV) at which it is tanh(1) = 0.76 of that", (0.01, 1000.0)
    )
    tag_eta: float = _parameter(1.174, 0.8, 1.4, "|eta| up to which it is flat; it falls linearly from there")
    tag_eta_end: float = _parameter(1.939, 1.6, 2.0, "|eta| at which it has fallen to zero")
    tag_charm: float = _parameter(0.4487, 0.0, 0.6, "tag rate of charm jets relative to b-jets", SHARE)
    tag_light: float = _parameter(0.06578, 0.0, 0.1, "tag rate of other jets relative to b-jets", SHARE)
    loose: float = _parameter(0.1839, 0.1, 0.3, "share of the tags that are only loose", SHARE)

    def __post_init__(self) -> None:
        for f in fields(self):
            value, (low, high) = getattr(self, f.name), f.metadata["possible"]
            if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
                raise ValueError(f"parameter {f.name} is {value!r}; it must be a finite number")
            if not low <= value <= high:
                raise ValueError(
                    f"parameter {f.name} is {value:g}; it must be from {low:g} to {high:g} "
                    f"({f.metadata['meaning']})"
                )
        if self.tag_eta >= self.tag_eta_end:
            raise ValueError(
                f"parameter tag_eta is {self.tag_eta:g}; it must be below tag_eta_end, {self.tag_eta_end:g}"
            )

    @classmethod
    def of(cls, changes: Parameters | Mapping[str, float] | None) -> Parameters:
        """Return the table with these values changed, by name.

        Raises:
            ValueError: if a name is unknown.
        """
        if isinstance(changes, cls):
            return changes
        names = [f.name for f in fields(cls)]
        for name in changes or {}:
            if name not in names:
                close = difflib.get_close_matches(str(name), names, n=1)
                which = f"do you mean {close[0]}?" if close else f"it must be one of: {', '.join(names)}"
                raise ValueError(f"there is no parameter {name!r}; {which}")
        return replace(cls(), **(changes or {}))

    def radiation(self, signal: bool) -> InitialState:
        """What rules the initial-state radiation of one class."""
        label = "signal" if signal else "background"
        parts = InitialState.__dataclass_fields__
        return InitialState(**{part: getattr(self, f"isr_{part}_{label}") for part in parts})

    @classmethod
    def describe(cls) -> list[tuple[str, float, float, float, str]]:
        """Rows (name, value, low end of the plausible range, high end, meaning)."""
        return [(f.name, f.default, *f.metadata["range"], f.metadata["meaning"]) for f in fields(cls)]


def parse(texts: Iterable[str]) -> dict[str, float]:
    """Return values by name, of texts such as "response=1.05".

    Raises:
        ValueError: if one has another form, names a parameter twice, or one that is unknown or not possible.
    """
    out = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise ValueError(f"parameter {text!r}: it must be NAME=VALUE, for example response=1.05")
        if name in out:
            raise ValueError(f"parameter {name} is given twice; it must be given once")
        try:
            out[name] = float(value)
        except ValueError:
            raise ValueError(f"parameter {name} is {value!r}; it must be a finite number") from None
    Parameters.of(out)
    return out

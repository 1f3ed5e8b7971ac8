"""How long the fuzz tests search: seconds, always the same, or with ``--hypothesis-profile=long`` for hours."""

from hypothesis import HealthCheck, settings

USUAL = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("short", max_examples=40, derandomize=True, **USUAL)
settings.register_profile("medium", max_examples=2_000, **USUAL)
settings.register_profile("long", max_examples=20_000, **USUAL)
settings.load_profile("short")

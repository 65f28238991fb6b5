"""How properties are tried: by number and not by time, so that a busy machine fails none."""

from hypothesis import HealthCheck, settings

settings.register_profile("haz", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("haz")

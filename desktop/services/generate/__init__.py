"""A synthetic clinic of a chosen size, the same for the same seed: for demos, tests and measuring."""

from desktop.services.generate.clinic import ADMIN, RECEPTION
from desktop.services.generate.run import GenerateReport, generate
from desktop.services.generate.sizes import SIZES, Size

__all__ = ["ADMIN", "RECEPTION", "SIZES", "GenerateReport", "Size", "generate"]

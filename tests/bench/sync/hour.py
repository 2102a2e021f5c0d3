"""stub"""
from dataclasses import dataclass
@dataclass(frozen=True)
class Hour:
    stations:int=25
    edits:int=60
    web:int=120
    seconds:float=240
def worked(*a): return []

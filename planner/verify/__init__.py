"""An independent check of a plan: everything is worked out again from geometry, catalogs and quantities.

verification    `verify_plan`, the one verb
checks          `CHECKS`: all checks in order; the functions stand in *_checks.py
facts           what the checks ask about, collected once
layers          the raw layers, read again
geometry        lengths on the ellipsoid, trenches against raw streets
spans           what a span loses
prices          what a span costs
routes          routes followed span by span and judged by the physics
rings           whether partners on a ring reach each other after any single cut
unavoidable     which risks every route between two sites must meet
sums            costs added up year by year
failures        what each cut or outage does to the services
attempts        sampling of single attempts up to the announced pair
simulate        sampling of heralded chains beside the closed forms
"""

from planner.verify.verification import verify_plan

__all__ = ["verify_plan"]

"""The rules: ids, thresholds and words are data (`catalog/data/rules.yaml`), predicates the functions listed here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from advisor.catalog import constants
from advisor.rules import contest, fit, nodes, operations, service, speed, unequal, versions
from advisor.rules.base import MUCH_MORE_BITS, VETO, Case, CasePredicate, Contest, ContestPredicate, Rule
from advisor.rules.contest import team_of
from advisor.schema import Finding

__all__ = [
    "MUCH_MORE_BITS",
    "VETO",
    "Case",
    "Contest",
    "Rule",
    "judge_candidate",
    "judge_contest",
    "refuses",
    "rules",
    "team_of",
]

CANDIDATE_RULES: Mapping[str, CasePredicate] = {
    "OPS401": operations.ops401,
    "OPS402": operations.ops402,
    "OPS403": operations.ops403,
    "OPS404": operations.ops404,
    "OPS405": operations.ops405,
    "OPS406": operations.ops406,
    "OPS416": operations.ops416,
    "OPS418": operations.ops418,
    "OPS430": operations.ops430,
    "OPS427": versions.ops427,
    "OPS408": operations.ops408,
    "OPS411": operations.ops411,
    "SVC314": service.svc314,
    "FIT123": fit.fit123,
    "FIT101": fit.fit101,
    "FIT102": fit.fit102,
    "FIT105": fit.fit105,
    "FIT107": fit.fit107,
    "SPD201": speed.spd201,
    "SPD202": speed.spd202,
    "SPD212": speed.spd212,
    "SPD204": speed.spd204,
    "FIT103": fit.fit103,
    "FIT108": fit.fit108,
    "SVC301": service.svc301,
    "SVC303": service.svc303,
    "FIT104": fit.fit104,
    "FIT106": fit.fit106,
    "FIT109": fit.fit109,
    "FIT122": fit.fit122,
    "SPD203": speed.spd203,
    "SPD205": speed.spd205,
    "SPD206": speed.spd206,
    "SPD213": unequal.spd213,
    "SPD214": unequal.spd214,
    "SPD207": speed.spd207,
    "SPD208": nodes.spd208,
    "SPD209": speed.spd209,
    "SVC310": service.svc310,
    "SVC311": service.svc311,
    "SVC313": service.svc313,
    "SVC302": service.svc302,
    "SVC304": service.svc304,
    "OPS409": operations.ops409,
    "OPS410": operations.ops410,
    "OPS412": operations.ops412,
    "OPS413": operations.ops413,
    "OPS414": operations.ops414,
    "FIT110": fit.fit110,
    "FIT124": fit.fit124,
    "OPS415": operations.ops415,
    "OPS417": operations.ops417,
    "OPS428": versions.ops428,
    "OPS429": versions.ops429,
    "OPS440": operations.ops440,
}

CONTEST_RULES: Mapping[str, ContestPredicate] = {
    "SVC307": service.svc307,
    "SVC306": service.svc306,
    "SVC308": service.svc308,
    "SVC309": nodes.svc309,
    "SVC312": contest.svc312,
    "SPD210": contest.spd210,
    "SPD211": contest.spd211,
    "SPD215": contest.spd215,
    "SVC305": service.svc305,
}


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by id, as `catalog/data/rules.yaml` holds it."""
    return {key: Rule(id=key, **entry) for key, entry in constants("rules").items()}


def judge_candidate(case: Case) -> tuple[Finding, ...]:
    """Every candidate rule that fires, vetoes first."""
    return tuple(
        _finding(rules()[key], message, case.limits.name)
        for key, predicate in CANDIDATE_RULES.items()
        if (message := predicate(case, rules()[key].threshold)) is not None
    )


def refuses(case: Case) -> bool:
    """Whether a rule vetoes the candidate, or a target is missed; asks no other rule."""
    return any(CANDIDATE_RULES[key](case, rules()[key].threshold) is not None for key in _refusing())


@cache
def _refusing() -> tuple[str, ...]:
    return tuple(key for key in CANDIDATE_RULES if rules()[key].severity in VETO or rules()[key].misses_target)


def judge_contest(found: Contest) -> tuple[Finding, ...]:
    """Every contest rule that fires, in the order in which they decide."""
    return tuple(
        _finding(rules()[key], message, None)
        for key, predicate in CONTEST_RULES.items()
        if (message := predicate(found, rules()[key].threshold)) is not None
    )


def _finding(rule: Rule, message: str, engine: str | None) -> Finding:
    return Finding(rule=rule.id, severity=rule.severity, message=message, source=rule.source, engine=engine)

"""Fits that once needed a compiler: whole process with report, in times of a Gaussian chain (1,000 rows).

    python benchmarks/engines.py --rounds 3 [--only larynx roaches] [--write benchmarks/RESULTS.md]

Every row is a table of the size and shape of one that its field knows by name, drawn here from a fixed seed:
the names say whose shape it is, the numbers are not theirs. Each fit is a process of its own, and the rows
take turns with the chain. `bar` is what a row may take, in times of the chain.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from surroundings import environment, machine

LIMIT = 600.0
Columns = dict[str, np.ndarray]
CHAIN = "Gaussian chain"


@dataclass(frozen=True)
class Fit:
    """A spec without its `data:`, a table, and how many times the chain it may take."""

    spec: str
    table: Callable[[np.random.Generator], Columns]
    bar: float = 3.0


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu: float
    memory: float  # MB
    engine: str


def expit(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-eta))


def chain(rng: np.random.Generator) -> Columns:
    x, noise = rng.normal(size=1_000), rng.normal(size=(2, 1_000))
    m = 0.5 * x + noise[0]
    return {"x": x, "m": m, "y": 0.7 * m + 0.2 * x + noise[1]}


def sleep(rng: np.random.Generator) -> Columns:
    subject, days = np.repeat(np.arange(18), 10), np.tile(np.arange(10.0), 18)
    level, slope = 250 + 25 * rng.normal(size=18), 10.5 + 6 * rng.normal(size=18)
    y = level[subject] + slope[subject] * days + 25 * rng.normal(size=180)
    return {"days": days, "reaction": y, "subject": np.char.add("s", subject.astype(str))}


def radon(rng: np.random.Generator) -> Columns:
    county = np.sort(np.concatenate([np.arange(85), rng.integers(0, 85, 919 - 85)]))
    uranium = rng.normal(size=85)
    floor = (rng.random(919) < 0.17).astype(int)
    level = 1.4 + 0.7 * uranium + 0.15 * rng.normal(size=85)
    y = level[county] - 0.65 * floor + 0.75 * rng.normal(size=919)
    return {
        "floor": floor,
        "uranium": uranium[county],
        "county": np.char.add("c", county.astype(str)),
        "radon": y,
    }


def herds(rng: np.random.Generator) -> Columns:
    herd, period = np.repeat(np.arange(14), 4), np.tile(np.arange(4), 14)
    size = rng.integers(3, 35, 56)
    eta = -1.4 + 0.65 * rng.normal(size=14)[herd] - np.array([0, 1.0, 1.1, 1.6])[period]
    return {
        "period": np.array(["p1", "p2", "p3", "p4"])[period],
        "herd": np.char.add("h", herd.astype(str)),
        "size": size,
        "sick": rng.binomial(size, expit(eta)),
    }


def frogs(rng: np.random.Generator) -> Columns:
    predators = np.tile([0, 1], 24)
    density = np.repeat([10, 25, 35], 16)
    eta = 2.2 - 2.0 * predators + 0.8 * rng.normal(size=48)
    return {
        "predators": predators,
        "density": density,
        "tank": np.char.add("t", np.arange(48).astype(str)),
        "alive": rng.binomial(density, expit(eta)),
    }


def contraception(rng: np.random.Generator) -> Columns:
    district = rng.integers(0, 60, 1_934)
    age, urban = rng.normal(0, 9, 1_934).round(2), (rng.random(1_934) < 0.3).astype(int)
    children = rng.integers(0, 4, 1_934)
    eta = -1.7 + 0.75 * urban - 0.027 * age + np.array([0, 1.1, 1.4, 1.4])[children]
    eta = eta + 0.47 * rng.normal(size=60)[district]
    return {
        "age": age,
        "urban": urban,
        "children": np.array(["none", "one", "two", "three"])[children],
        "district": np.char.add("d", district.astype(str)),
        "used": (rng.random(1_934) < expit(eta)).astype(int),
    }


def lectures(rng: np.random.Generator) -> Columns:
    student, lecturer = rng.integers(0, 2_972, 73_421), rng.integers(0, 1_128, 73_421)
    service = rng.integers(0, 2, 73_421)
    y = 3.3 - 0.07 * service + 0.32 * rng.normal(size=2_972)[student] + 0.5 * rng.normal(size=1_128)[lecturer]
    return {
        "service": service,
        "student": np.char.add("s", student.astype(str)),
        "lecturer": np.char.add("l", lecturer.astype(str)),
        "rating": y + 1.18 * rng.normal(size=73_421),
    }


def roaches(rng: np.random.Generator) -> Columns:
    before, treated = rng.gamma(0.4, 1.1, 262), rng.integers(0, 2, 262)
    days = rng.choice([0.8, 1.0, 1.2], 262)
    mean = days * np.exp(2.5 + 0.9 * before**0.5 - 0.7 * treated)
    return {
        "before": before,
        "treated": treated,
        "days": days,
        "caught": rng.negative_binomial(0.3, 0.3 / (0.3 + mean)),
    }


def schooling(rows: int, strength: float) -> Callable[[np.random.Generator], Columns]:
    def table(rng: np.random.Generator) -> Columns:
        near, hidden = rng.integers(0, 2, rows), rng.normal(size=rows)
        region = rng.normal(size=rows)
        years = 13 + strength * near + 0.5 * region + hidden + 2 * rng.normal(size=rows)
        wage = 4 + 0.1 * years + 0.1 * region + 0.3 * hidden + 0.35 * rng.normal(size=rows)
        return {"near": near, "region": region, "years": years, "wage": wage}

    return table


def pooled(rng: np.random.Generator) -> Columns:
    kind, x = rng.integers(0, 5, 100), rng.normal(size=100)
    return {
        "kind": np.array(list("abcde"))[kind],
        "x": x,
        "y": 0.5 * x + rng.normal(size=5)[kind] + 0.5 * rng.normal(size=100),
    }


def larynx(rng: np.random.Generator) -> Columns:
    stage, age = rng.integers(0, 4, 90), rng.normal(65, 11, 90)
    life = rng.weibull(1.1, 90) * np.exp(2.2 - 0.5 * stage - 0.02 * (age - 65))
    end = rng.uniform(0.5, 10, 90)
    return {
        "stage": np.array(["I", "II", "III", "IV"])[stage],
        "age": age,
        "time": np.minimum(life, end),
        "left": np.where(life <= end, "none", "right"),
    }


def villages(rng: np.random.Generator) -> Columns:
    village = np.concatenate([np.arange(486), rng.integers(0, 486, 1_276 - 486)])
    harmed = (rng.random(1_276) < 0.4).astype(int)
    age = rng.normal(37, 14, 1_276)
    y = 0.3 + 0.1 * harmed - 0.002 * age + 0.1 * rng.normal(size=486)[village] + 0.3 * rng.normal(size=1_276)
    return {"harmed": harmed, "age": age, "village": np.char.add("v", village.astype(str)), "peace": y}


def gaps(rng: np.random.Generator) -> Columns:
    band = rng.integers(0, 3, 1_500)
    x = (rng.random(1_500) < expit(0.6 * band - 0.5)).astype(int)
    y = 0.8 * x + 0.5 * band + rng.normal(size=1_500)
    names = np.array(["low", "mid", "high"], dtype=object)[band]
    names[rng.random(1_500) < 0.2] = None
    return {"band": names, "x": x, "y": y}


def million(rng: np.random.Generator) -> Columns:
    z, w = rng.normal(size=(2, 1_000_000))
    x = 0.5 * z - 0.3 * w + rng.normal(size=1_000_000)
    y = (rng.random(1_000_000) < expit(-0.4 + 0.6 * x + 0.5 * z - 0.3 * w)).astype(int)
    return {"z": z, "w": w, "x": x, "y": y}


def steps(rng: np.random.Generator) -> Columns:
    x = rng.normal(size=400)
    visits = rng.poisson(np.exp(0.5 + 0.4 * x))
    eta = 0.3 * x + 0.25 * visits + rng.logistic(size=400)
    return {
        "x": x,
        "visits": visits,
        "mood": np.array(["bad", "fair", "good", "best"])[np.searchsorted([0, 1, 2], eta)],
    }


FITS = {
    CHAIN: Fit("edges: [x -> m, 'x, m -> y']\neffect: x -> y\n", chain, 1.0),
    "sleepstudy": Fit(
        "nodes: {days: continuous, reaction: continuous, subject: group}\n"
        "edges: ['days, subject -> reaction']\neffect: days -> reaction\n"
        "regressions: {reaction: {varying: {subject: [intercept, days]}}}\n",
        sleep,
    ),
    "radon": Fit(
        "nodes: {floor: binary, county: group, radon: continuous}\n"
        "edges: ['floor, county -> radon']\neffect: floor -> radon\n",
        radon,
    ),
    "radon, uranium": Fit(
        "nodes: {floor: binary, uranium: continuous, county: group, radon: continuous}\n"
        "edges: ['uranium -> floor', 'floor, uranium, county -> radon']\neffect: floor -> radon\n",
        radon,
    ),
    "cbpp": Fit(
        "nodes: {period: categorical, herd: group, sick: {type: count, family: binomial, trials: size}}\n"
        "edges: ['period, herd -> sick']\neffect: period -> sick\n",
        herds,
    ),
    "reed frogs": Fit(
        "nodes: {predators: binary, tank: group, alive: {type: count, family: binomial, trials: density}}\n"
        "edges: ['predators, tank -> alive']\neffect: predators -> alive\n",
        frogs,
    ),
    "Contraception": Fit(
        "nodes: {age: continuous, urban: binary, children: categorical, district: group, used: binary}\n"
        "edges: ['age, urban -> children', 'age, urban, children, district -> used']\n"
        "effect: urban -> used\n",
        contraception,
    ),
    "InstEval": Fit(
        "nodes: {service: binary, student: group, lecturer: group, rating: continuous}\n"
        "edges: ['service, student, lecturer -> rating']\neffect: service -> rating\n",
        lectures,
        15.0,
    ),
    "roaches": Fit(
        "nodes: {before: continuous, treated: binary, caught: {type: count, family: negative_binomial, "
        "offset: days}}\nedges: ['before -> treated', 'before, treated -> caught']\n"
        "effect: treated -> caught\n",
        roaches,
    ),
    "Card": Fit(
        "nodes: {near: binary, region: continuous, years: continuous, wage: continuous}\n"
        "edges: ['region -> near', 'near, region -> years', 'years, region -> wage', years <-> wage]\n"
        "effect: years -> wage\n",
        schooling(3_010, 0.8),
    ),
    "Mroz": Fit(
        "nodes: {near: binary, region: continuous, years: continuous, wage: continuous}\n"
        "edges: ['region -> near', 'near, region -> years', 'years, region -> wage', years <-> wage]\n"
        "effect: years -> wage\n",
        schooling(428, 1.6),
    ),
    "pooled categories": Fit(
        "nodes: {kind: {type: categorical, pool: true}, x: continuous, y: continuous}\n"
        "edges: ['kind, x -> y']\neffect: kind -> y\n",
        pooled,
    ),
    "larynx": Fit(
        "nodes: {stage: categorical, age: continuous, time: {type: positive, family: weibull, "
        "censored: left}}\n"
        "edges: ['age -> stage', 'age, stage -> time']\neffect: stage -> time\n",
        larynx,
    ),
    "Darfur": Fit(
        "nodes: {harmed: binary, age: continuous, village: categorical, peace: continuous}\n"
        "edges: ['age, village -> harmed', 'harmed, age, village -> peace']\neffect: harmed -> peace\n",
        villages,
    ),
    "missing levels": Fit(
        "nodes: {band: categorical, x: binary, y: continuous}\nmissing: impute\n"
        "edges: ['band -> x', 'band, x -> y']\neffect: x -> y\n",
        gaps,
    ),
    "a million rows, logistic": Fit(
        "nodes: {z: continuous, w: continuous, x: continuous, y: binary}\n"
        "edges: ['z, w -> x, y', x -> y]\neffect: x -> y\n",
        million,
        15.0,
    ),
    "count, then ordinal": Fit(
        "nodes: {x: continuous, visits: count, mood: {type: ordinal, levels: [bad, fair, good, best]}}\n"
        "edges: [x -> visits, 'x, visits -> mood']\neffect: x -> mood\n",
        steps,
    ),
}


def write(folder: Path, fit: Fit) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(fit.table(np.random.default_rng(11))), folder / "table.parquet")
    (folder / "spec.yaml").write_text(f"data: table.parquet\n{fit.spec}", encoding="utf-8")


def run(folder: Path) -> Run | str:
    """One cold fit; what went wrong, if it did."""
    command = [sys.executable, "-m", "dagreg", "fit", "spec.yaml", "--fresh", "--format", "json"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"> {LIMIT:.0f} s"
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}"
    (effect,) = json.loads(done.stdout)["effects"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu, after.ru_maxrss / 1024, effect["diagnostics"]["engine"])


def table(names: list[str], rounds: int) -> str:
    runs: dict[str, list[Run | str]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / str(i) for i, name in enumerate(names)}
        for name, folder in folders.items():
            write(folder, FITS[name])
        run(folders[CHAIN])  # so that bytecode is cached
        for _ in range(rounds):
            for name, folder in folders.items():
                runs[name].append(run(folder))
    first = [r.seconds for r in runs[CHAIN] if isinstance(r, Run)]
    unit = statistics.median(first)
    lines = [
        "| shape of | seconds | times the chain | bar | CPU seconds | engine |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name in names:
        done = [r for r in runs[name] if isinstance(r, Run)]
        if len(done) < rounds:
            lines.append(f"| {name} | {next(r for r in runs[name] if isinstance(r, str))} | | | | |")
            continue
        seconds = statistics.median(r.seconds for r in done)
        cpu = statistics.median(r.cpu for r in done)
        figures = f"{seconds:.2f} | {seconds / unit:.1f} | {FITS[name].bar:g} | {cpu:.2f}"
        lines.append(f"| {name} | {figures} | {done[0].engine} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=list(FITS), default=list(FITS))
    parser.add_argument("--write", type=Path, help="also append the table to this file")
    chosen = parser.parse_args()
    text = table([CHAIN, *(name for name in chosen.only if name != CHAIN)], chosen.rounds)
    print(text)
    if chosen.write:
        with chosen.write.open("a") as file:
            intro = f"Medians of {chosen.rounds}, the rows taking turns. {machine(('numpy', 'scipy'))}."
            file.write(f"\n# Fits that once needed a compiler\n\n{intro}\n\n{text}\n")


if __name__ == "__main__":
    main()

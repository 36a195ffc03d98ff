"""Fits beside their peers, in one run: medians, the contenders taking turns, and dagreg's figure over each
peer's.

    python benchmarks/fits.py --rounds 5    # in an environment that has dagreg's dependencies, and the peers

Every contender is a process of its own. `whole process` rows time it from its start to its end. Rows of
effective draws divide the effective sample size of the effect by seconds: of the sampler alone, as it reports
them, and of all that a fit does once the packages are loaded (for a peer: building, compiling and sampling on
a data frame that it has; for dagreg: reading the file, identifying, reducing and drawing). A peer that is not
installed, fails or takes longer than `LIMIT` is said to; it is never a dependency of dagreg.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surroundings import environment, machine

LIMIT = 400.0
Answer = dict[str, float]

CHAIN = "data: {data}\nedges: [x -> m, 'x, m -> y']\neffect: x -> y\n"
LOGISTIC = (
    "data: {data}\nnodes: {{g: {{type: categorical, levels: [a, b, c, d]}}, x: binary, m: binary, y: "
    "binary}}\n"
    "edges: ['g -> x, m, y', x -> m, 'x, m -> y']\neffect: x -> y\n"
)
PLAIN_LOGISTIC = (
    "data: {data}\nnodes: {{z: continuous, w: continuous, x: continuous, y: binary}}\n"
    "edges: ['z, w -> x, y', x -> y]\neffect: x -> y\n"
)


# ------------------------------------------------------------ data


def write_chain(path: Path, rows: int) -> None:
    import duckdb

    noise = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
    duckdb.sql("SELECT setseed(0.5)")
    duckdb.sql(
        f"COPY (SELECT x, m, 0.7 * m + 0.2 * x + {noise} AS y FROM (SELECT x, 0.5 * x + {noise} AS m FROM "
        f"(SELECT {noise} AS x FROM range({rows})))) TO '{path}'"
    )


def write_logistic(path: Path, rows: int) -> None:
    import duckdb

    def drawn(eta: str) -> str:
        return f"CAST(random() < 1 / (1 + exp(-({eta}))) AS INTEGER)"

    duckdb.sql("SELECT setseed(0.5)")
    duckdb.sql(
        f"COPY (SELECT g, x, m, {drawn('-0.5 + 0.6 * x + 0.8 * m + 0.3 * k')} AS y FROM (SELECT *, "
        f"{drawn('-0.3 + 0.7 * x - 0.2 * k')} AS m FROM (SELECT *, {drawn('0.4 * k - 0.6')} AS x FROM "
        f"(SELECT k, ['a', 'b', 'c', 'd'][k + 1] AS g FROM (SELECT CAST(floor(random() * 4) AS INTEGER) AS k "
        f"FROM range({rows})))))) TO '{path}'"
    )


def write_plain_logistic(path: Path, rows: int) -> None:
    import duckdb
    import numpy as np

    rng = np.random.default_rng(1)
    z, w = rng.normal(size=(2, rows))
    x = 0.5 * z - 0.3 * w + rng.normal(size=rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(0.4 - 0.6 * x - 0.5 * z + 0.3 * w))).astype(int)
    table = {"z": z, "w": w, "x": x, "y": y}  # DuckDB finds it by its name
    connection = duckdb.connect()
    import pyarrow as pa

    connection.register("rows", pa.table(table))
    connection.sql(f"COPY rows TO '{path}'")


# ------------------------------------------------------------ contenders, each run in a process of its own


def frame(path: str) -> Any:
    import duckdb

    return duckdb.sql(f"SELECT * FROM '{path}'").df()


def ess_of(values: Any) -> float:
    """Bulk effective sample size of chains x draws."""
    from arviz_stats.base import array_stats

    return float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="bulk"))


def dagreg_fit(spec: str) -> Answer:
    """Effective draws of the primary estimate, and the seconds in which its model was solved."""
    import dagreg
    from dagreg import pipeline

    start = time.perf_counter()
    pipeline.compile(dagreg.load(spec), optimised=True)
    before = time.perf_counter() - start
    result = dagreg.fit(dagreg.load(spec))
    effect = result.effects[0]
    primary = next(e for e in effect.result.estimates if e.primary)
    draws = result.samples[f"build_{primary.estimator}"]
    return {"ess": primary.summary.ess_bulk, "sampling": draws.seconds, "seconds": before + draws.seconds}


def sampled(tree: Any, values: Any, seconds: float) -> Answer:
    """Of a tree that nutpie made: the effective draws of `values`, its own seconds, and those of the whole
    fit.
    """
    return {
        "ess": ess_of(values),
        "sampling": float(tree["posterior"].attrs["sampling_time"]),
        "seconds": seconds,
    }


def pathmc_chain(path: str) -> Answer:
    import pathmc

    model = pathmc.model("m ~ x\ny ~ m + x", data=frame(path))
    found = pathmc_fit(model, 0)
    model.effect("x -> m -> y")
    return found


def pathmc_logistic(path: str) -> Answer:
    """Levels as columns of zeros and ones: it takes no categorical predictor."""
    import pathmc

    data = frame(path)
    for level in "bcd":
        data[f"g_{level}"] = (data["g"] == level).astype(float)
    model = pathmc.model(
        "m ~ x + g_b + g_c + g_d\ny ~ m + x + g_b + g_c + g_d",
        data=data.drop(columns="g"),
        families={"m": "bernoulli", "y": "bernoulli"},
    )
    return pathmc_fit(model, 1)


def pathmc_fit(model: Any, slope: int) -> Answer:
    """The seconds of a model's fit, and the effective draws of one of the outcome's slopes."""
    start = time.perf_counter()
    tree = model.fit(progressbar=False)
    seconds = time.perf_counter() - start
    values = tree["posterior"]["beta_y"].to_numpy()
    return sampled(tree, values.reshape(*values.shape[:2], -1)[..., slope], seconds)


def bambi_chain(path: str) -> Answer:
    import bambi

    data = frame(path)
    start = time.perf_counter()
    for formula in ("m ~ x", "y ~ m + x"):
        tree = bambi.Model(formula, data).fit(inference_method="nutpie", random_seed=1)
    seconds = time.perf_counter() - start
    return sampled(tree, tree["posterior"]["x"].to_numpy(), seconds)


def pymc_chain(path: str) -> Answer:
    """What a user of PyMC would write, sampled by nutpie."""
    import pymc as pm

    data = frame(path)
    start = time.perf_counter()
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 2.5, shape=2), pm.Normal("b", 0, 2.5, shape=3)
        s = pm.Exponential("s", 1, shape=2)
        pm.Normal("m", a[0] + a[1] * data["x"].to_numpy(), s[0], observed=data["m"].to_numpy())
        pm.Normal(
            "y", b[0] + b[1] * data["x"].to_numpy() + b[2] * data["m"].to_numpy(), s[1], observed=data["y"]
        )
    return by_nutpie(model, start, 1)


def pymc_logistic(path: str) -> Answer:
    import numpy as np
    import pymc as pm

    data = frame(path)
    design = data[["x", "z", "w"]].to_numpy()
    design = design - design.mean(axis=0)
    start = time.perf_counter()
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 2.5), pm.Normal("b", 0, 2.5 / design.std(axis=0), shape=3)
        pm.Bernoulli("y", logit_p=a + pm.math.dot(design, b), observed=data["y"].to_numpy(dtype=np.int64))
    return by_nutpie(model, start, 0)


def by_nutpie(model: Any, start: float, slope: int) -> Answer:
    """Four chains of 1,000 draws after 1,000."""
    import nutpie

    compiled = nutpie.compile_pymc_model(model)
    ready = time.perf_counter()
    tree = nutpie.sample(compiled, draws=1000, tune=1000, chains=4, progress_bar=False, seed=1)
    done = time.perf_counter()
    values = tree["posterior"]["b"].to_numpy()[..., slope]
    return {"ess": ess_of(values), "sampling": done - ready, "seconds": done - start}


def dowhy_chain(path: str) -> Answer:
    import networkx
    from dowhy import CausalModel

    graph = networkx.DiGraph([("x", "m"), ("x", "y"), ("m", "y")])
    start = time.perf_counter()
    model = CausalModel(frame(path), "x", "y", graph=graph)
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    model.estimate_effect(estimand, method_name="backdoor.linear_regression")
    return {"seconds": time.perf_counter() - start}


def duckdb_products(path: str) -> Answer:
    """The cross-products that the two regressions of the chain need, and nothing else."""
    import duckdb

    names = ["x", "m", "y"]
    pairs = [f"sum({a} * {b})" for i, a in enumerate(names) for b in names[i:]]
    start = time.perf_counter()
    duckdb.sql(
        f"SELECT count(*), {', '.join(f'sum({n})' for n in names)}, {', '.join(pairs)} FROM '{path}'"
    ).fetchall()
    return {"seconds": time.perf_counter() - start}


CONTENDERS: dict[str, Callable[[str], Answer]] = {
    "dagreg": dagreg_fit,
    "pathmc": pathmc_chain,
    "pathmc logistic": pathmc_logistic,
    "bambi": bambi_chain,
    "PyMC, nutpie": pymc_chain,
    "PyMC, nutpie logistic": pymc_logistic,
    "dowhy": dowhy_chain,
    "DuckDB": duckdb_products,
}


# ------------------------------------------------------------ measuring


@dataclass
class Figure:
    """Of one contender: medians over the rounds, or why there are none."""

    whole: float = float("nan")  # seconds, from the process's start to its end
    seconds: float = float("nan")  # of the fit
    sampling: float = float("nan")  # of the sampler in it
    ess: float = float("nan")
    peak: float = float("nan")  # MB
    said: str = ""

    @property
    def rate(self) -> float:
        """Effective draws per second of the fit."""
        return self.ess / self.seconds

    @property
    def inner(self) -> float:
        """Effective draws per second of the sampler alone."""
        return self.ess / self.sampling


def run_once(contender: str, argument: str) -> Answer:
    """A contender in a process of its own. Raises RuntimeError with the reason where it gives no answer."""
    command = [sys.executable, __file__, "--contender", contender, argument]
    return timed(command)


def timed(command: Sequence[str]) -> Answer:
    start = time.perf_counter()
    try:
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env=environment() | {"PYTHONWARNINGS": "ignore"},
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"> {LIMIT:g} s") from None
    whole = time.perf_counter() - start
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines() or ["killed, for memory"]
        raise RuntimeError(lines[-1][:80])
    last = run.stdout.strip().splitlines()[-1:]
    found = json.loads(last[0]) if last and last[0].startswith('{"peak"') else {}
    return {"whole": whole, **found}


def measure(contenders: dict[str, Callable[[], Answer]], rounds: int) -> dict[str, Figure]:
    """Medians over the rounds; the contenders take turns, and one that fails once is not asked again."""
    found: dict[str, list[Answer]] = {name: [] for name in contenders}
    said: dict[str, str] = {}
    for round in range(rounds + 1):  # the first writes bytecode and fills caches on disk, and does not count
        for name, run in contenders.items():
            if name in said:
                continue
            try:
                answer = run()
                found[name] += [answer] if round else []
            except RuntimeError as error:
                said[name] = str(error)
    return {name: Figure(said=said[name]) if name in said else _median(found[name]) for name in contenders}


def _median(answers: Sequence[Answer]) -> Figure:
    return Figure(**{key: statistics.median(a[key] for a in answers) for key in answers[0]})


def contender(name: str, argument: str) -> Callable[[], Answer]:
    return lambda: run_once(name, argument)


def command_line(spec: Path, out: Path) -> Callable[[], Answer]:
    """`dagreg fit` with its report, as a user types it."""

    def run() -> Answer:
        return timed([sys.executable, "-m", "dagreg", "fit", str(spec), "-o", str(out), "--fresh"])

    return run


# ------------------------------------------------------------ questions


def row(question: str, name: str, figure: str, ratio: str) -> str:
    return f"| {question} | {name} | {figure} | {ratio} |"


def rows_of(question: str, found: dict[str, Figure], of: Callable[[Figure], float], unit: str) -> list[str]:
    """A line for each contender; the last column is dagreg's figure over the contender's."""
    own = of(found["dagreg"])
    lines = []
    for name, figure in found.items():
        if figure.said:
            lines.append(row(question, name, figure.said, ""))
        else:
            value = of(figure)
            lines.append(
                row(question, name, f"{value:.3g} {unit}", "" if name == "dagreg" else f"{own / value:.3g}")
            )
    return lines


def whole(figure: Figure) -> float:
    return figure.whole


def effective(question: str, found: dict[str, Figure]) -> list[str]:
    return [
        *rows_of(f"{question}: effective draws, sampler alone", found, lambda figure: figure.inner, "per s"),
        *rows_of(f"{question}: effective draws, whole fit", found, lambda figure: figure.rate, "per s"),
    ]


def spec_of(folder: Path, name: str, text: str, data: Path) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text.format(data=data.name))
    return path


def gaussian(folder: Path, rounds: int) -> list[str]:
    small, large = folder / "chain_1000.parquet", folder / "chain_100000.parquet"
    write_chain(small, 1_000)
    write_chain(large, 100_000)
    spec = spec_of(folder, "chain_1000", CHAIN, small)
    peers = {n: contender(n, str(small)) for n in ("pathmc", "bambi", "PyMC, nutpie", "dowhy")}
    found = measure({"dagreg": command_line(spec, folder / "out")} | peers, rounds)
    lines = rows_of("Gaussian chain, 1,000 rows: whole process", found, whole, "s")
    spec = spec_of(folder, "chain_100000", CHAIN, large)
    peers = {n: contender(n, str(large)) for n in ("pathmc", "PyMC, nutpie")}
    found = measure({"dagreg": contender("dagreg", str(spec))} | peers, rounds)
    lines += effective("Gaussian chain, 100,000 rows", found)
    return lines + rows_of("Gaussian chain, 100,000 rows: peak memory", found, lambda f: f.peak, "MB")


def logistic(folder: Path, rounds: int) -> list[str]:
    lines = []
    for name, text, write, peer in (
        ("logistic chain with levels", LOGISTIC, write_logistic, "pathmc logistic"),
        ("logistic regression on numbers", PLAIN_LOGISTIC, write_plain_logistic, "PyMC, nutpie logistic"),
    ):
        data = folder / f"{peer.replace(', ', '_').replace(' ', '_')}.parquet"
        write(data, 10_000)
        spec = spec_of(folder, data.stem, text, data)
        other = contender(peer, str(data))
        found = measure(
            {"dagreg": contender("dagreg", str(spec)), peer.removesuffix(" logistic"): other}, rounds
        )
        lines += effective(f"{name}, 10,000 rows", found)
        found = measure(
            {"dagreg": command_line(spec, folder / "out"), peer.removesuffix(" logistic"): other}, rounds
        )
        lines += rows_of(f"{name}, 10,000 rows: whole process", found, whole, "s")
    return lines


def growth(folder: Path, rounds: int) -> list[str]:
    """The sampling stage at 1,000,000 rows over that at 10,000, and the memory of the whole."""
    lines = []
    for name, text, write in (
        ("Gaussian chain", CHAIN, write_chain),
        ("logistic chain", LOGISTIC, write_logistic),
    ):
        runs = {}
        for rows in (10_000, 1_000_000):
            data = folder / f"{name.split()[0]}_{rows}.parquet"
            write(data, rows)
            runs[f"{rows}"] = contender("dagreg", str(spec_of(folder, data.stem, text, data)))
        few, many = measure(runs, rounds).values()
        shown = f"{few.sampling * 1e3:.3g} ms and {many.sampling * 1e3:.3g} ms"
        ratio = f"{many.sampling / few.sampling:.2f} x"
        lines.append(row(f"{name}: sampling, 10,000 and 1,000,000 rows", "dagreg", shown, ratio))
        peaks = f"{few.peak:.0f} MB and {many.peak:.0f} MB"
        lines.append(row(f"{name}: peak memory, 10,000 and 1,000,000 rows", "dagreg", peaks, ""))
    return lines


def large(folder: Path, rounds: int) -> list[str]:
    data = folder / "chain_10000000.parquet"
    write_chain(data, 10_000_000)
    spec = spec_of(folder, "chain_10000000", CHAIN, data)
    runs = {"dagreg": command_line(spec, folder / "out_large"), "DuckDB": contender("DuckDB", str(data))}
    found = measure(runs, rounds)
    products = found["DuckDB"].seconds
    question = "10,000,000 rows of Parquet: whole process, and DuckDB's cross-products alone"
    target = f"{found['dagreg'].whole / (3 * products + 1):.2f} of 3 x DuckDB + 1 s"
    peak = measure({"dagreg": contender("dagreg", str(spec))}, 1)["dagreg"].peak
    return [
        row(question, "dagreg", f"{found['dagreg'].whole:.3g} s", target),
        row(question, "DuckDB", f"{products:.3g} s", ""),
        row("10,000,000 rows of Parquet: peak memory", "dagreg", f"{peak:.0f} MB", ""),
    ]


PEERS = ("pathmc", "bambi", "pymc", "nutpie", "dowhy", "duckdb")
QUESTIONS = {"gaussian": gaussian, "logistic": logistic, "growth": growth, "large": large}
HEAD = "| question | contender | figure | dagreg / contender |\n| --- | --- | ---: | ---: |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=tuple(QUESTIONS))
    parser.add_argument("--write", type=Path, help="also append the table to this file")
    parser.add_argument("--contender", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        answer = CONTENDERS[given.contender[0]](given.contender[1])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peak": peak, **answer}))
        return
    lines = [HEAD]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name, question in QUESTIONS.items():
            if given.only in (None, name):
                lines += question(Path(folder), given.rounds)
                print(f"measured: {name}", file=sys.stderr)
    text = "\n".join(lines)
    print(text)
    if given.write:
        with given.write.open("a") as file:
            intro = f"Medians of {given.rounds}, in one run, the contenders taking turns. {machine(PEERS)}."
            file.write(f"\n# Fits beside their peers\n\n{intro}\n\n{text}\n")


if __name__ == "__main__":
    main()

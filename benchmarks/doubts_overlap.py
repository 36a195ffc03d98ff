"""How often the warning of missing counterparts (DR631) speaks: in experiments, with confounding, and where a
rule decides the exposure.

    python benchmarks/doubts_overlap.py --tables 400
"""

from __future__ import annotations

import argparse

import numpy as np

import dagreg
from dagreg.binding.opening import open_source
from dagreg.binding.table import bind
from dagreg.doubts.overlap import overlap_of
from dagreg.programs import lower_all
from dagreg.study import study_of


def speaks(z: np.ndarray, x: np.ndarray) -> tuple[float, bool]:
    """The share without a counterpart, and whether there is a warning."""
    names = [f"z{i}" for i in range(z.shape[1])]
    spec = dagreg.loads(f"edges: ['{', '.join(names)} -> x, y', x -> y]\neffect: x -> y\n")
    study = study_of(spec)
    data = {**dict(zip(names, z.T, strict=True)), "x": x, "y": z[:, 0] + np.arange(len(x)) % 7}
    table = bind(study, open_source(spec, data, allow_outside=False))
    (plan,) = lower_all(study, table)
    found = overlap_of(next(m for m in plan.models if m.primary), table.rows, 1)
    assert found is not None
    return found.share_without_counterpart, found.lacking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=400)
    tables = parser.parse_args().tables
    rng = np.random.default_rng(1)
    print("| rows | exposed | nodes | log odds per sd | share without counterpart | warnings |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for rows in (50, 200, 1_000):
        for exposed in (0.5, 0.2):
            for nodes in (1, 5):
                for strength in (0.0, 0.5, 1.0):
                    found = []
                    while len(found) < tables:
                        z = rng.normal(size=(rows, nodes))
                        odds = np.log(exposed / (1 - exposed)) + strength * z[:, 0]
                        x = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
                        if 3 <= x.sum() <= rows - 3:
                            found.append(speaks(z, x))
                    share, warned = np.mean(found, axis=0)
                    head = f"| {rows:,} | {exposed} | {nodes} | {strength} "
                    print(f"{head}| {100 * share:.1f} % | {100 * warned:.1f} % |", flush=True)
    for name, rule in (("z > 0", lambda z: z > 0), ("z > 0 or < -1", lambda z: (z > 0) | (z < -1))):
        z = rng.normal(size=300)
        print(f"x = {name}: {speaks(z[:, None], rule(z).astype(int))}")


if __name__ == "__main__":
    main()

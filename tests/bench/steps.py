"""Time and peak memory of each step of the embedding job, from nothing."""

import sys
from pathlib import Path

import yaml

from pma.bundle import bundle_root, read_tasks
from pma.workflow import run_tasks, table

JOB = Path("conf/bundle/embeddings.job.yml")


def main(folder: Path) -> None:
    """Run the job as `make run` does, with the local settings, but for the folders it writes to."""
    local = yaml.safe_load(Path("conf/local.yml").read_text(encoding="utf-8"))
    local |= {"warehouse": {"path": str(folder / "warehouse")}, "artifacts": str(folder / "artifacts")}
    local |= {"rules": str(Path("conf/rules").resolve())}
    conf = folder / "bench.yml"
    conf.write_text(yaml.safe_dump(local), encoding="utf-8")
    results = run_tasks(read_tasks(JOB, {"conf": str(conf)}), bundle_root(JOB))
    print("\nThe embedding job from an empty warehouse\n")
    print(table(results))
    if any(result.status for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

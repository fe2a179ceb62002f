"""Matrix products and eigen-solvers that the measurements share."""

import scipy.linalg
import torch
from torch import Tensor

from sgdphysics.arguments import require_whole
from sgdphysics.errors import InputError
from sgdphysics.inputs import checked_numbers
from sgdphysics.ranks import log_spaced_ranks

__all__ = ["kronecker_sum", "largest_eigenpairs", "log_spaced_ranks", "with_fixed_sign"]

_ASYMMETRY = 1e-6  # of the largest entry: what rounding may leave
_CHUNK = 4096  # samples per matrix product: bounds memory at about 100 MB for 50 x 50 factors


def kronecker_sum(left: Tensor, right: Tensor) -> Tensor:
    """Return the sum over samples of ``left_n (x) right_n right_n^T``.

    Both factors are symmetric, so only their upper triangles are multiplied: one matrix product of shape
    (p (p+1)/2, N) x (N, q (q+1)/2), a quarter of the work of the plain product.

    Args:
        left: Symmetric matrices, (N, p, p).
        right: Vectors, (N, q).

    Returns:
        float64 (p q, p q); row-major: the row of (i, j) is i q + j.

    Raises:
        ValueError: If the shapes are others.
    """
    if left.ndim != 3 or left.shape[1] != left.shape[2]:
        raise InputError(f"left: found shape {tuple(left.shape)}, expected (N, p, p)")
    if right.ndim != 2 or len(right) != len(left):
        raise InputError(f"right: found shape {tuple(right.shape)}, expected ({len(left)}, q)")
    p, q = left.shape[1], right.shape[1]
    rows, columns = torch.triu_indices(p, p), torch.triu_indices(q, q)
    total = torch.zeros(rows.shape[1], columns.shape[1], dtype=torch.float64, device=right.device)
    for start in range(0, len(left), _CHUNK):
        a, b = left[start : start + _CHUNK].double(), right[start : start + _CHUNK].double()
        total.addmm_(a[:, rows[0], rows[1]].T, b[:, columns[0]] * b[:, columns[1]])
    full = total[_packed_index(p)][:, :, _packed_index(q)]
    return full.permute(0, 2, 1, 3).reshape(p * q, p * q)


def largest_eigenpairs(matrix: Tensor, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the ``count`` largest eigenvalues of a symmetric matrix and their eigenvectors, on the matrix's device.

    Args:
        matrix: Symmetric, float64 (d, d).
        count: How many, from 1; all by default, or where there are fewer.

    Returns:
        Eigenvalues (count,), largest first; eigenvectors as rows, (count, d), each with its largest entry positive.

    Raises:
        ValueError: If the matrix is none of this, an entry is not finite, or the count is less than 1.
    """
    matrix = _checked_symmetric(matrix)
    require_whole("count", count, 1, none_allowed=True)
    size = len(matrix)
    count = size if count is None else min(count, size)
    if matrix.device.type != "cpu":
        values, vectors = torch.linalg.eigh(matrix)
        return values.flip(0)[:count], with_fixed_sign(vectors.T.flip(0)[:count].contiguous())
    if count == size:
        values, vectors = scipy.linalg.eigh(matrix.numpy(), driver="evd", check_finite=False)  # faster for the whole spectrum
    else:
        wanted = [size - count, size - 1]
        values, vectors = scipy.linalg.eigh(matrix.numpy(), driver="evr", subset_by_index=wanted, check_finite=False)
    return torch.from_numpy(values[::-1].copy()), with_fixed_sign(torch.from_numpy(vectors.T[::-1].copy()))


def with_fixed_sign(rows: Tensor) -> Tensor:
    """Return the rows, (k, d), with signs such that each row's entry of largest magnitude is positive.

    Raises:
        ValueError: If they are not of that shape.
    """
    rows = checked_numbers(rows, 2, "rows", finite=False)
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    return rows * torch.where(largest < 0, -1.0, 1.0)


def _checked_symmetric(matrix: Tensor) -> Tensor:
    matrix = checked_numbers(matrix, 2, "matrix", finite=False)
    if matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"matrix: found shape {tuple(matrix.shape)}, expected (d, d)")
    if matrix.dtype != torch.float64:
        raise InputError(f"matrix: found {matrix.dtype}, expected torch.float64")
    if not bool(matrix.isfinite().all()):
        raise InputError("matrix: found a non-finite entry, expected finite numbers")
    difference = float((matrix - matrix.T).abs().max())
    if difference > _ASYMMETRY * float(matrix.abs().max()):
        raise InputError(f"matrix: found entries that differ by {difference:.3g} from those across the diagonal, expected symmetry")
    return matrix


def _packed_index(size: int) -> Tensor:
    """Position of entry (i, j) in the upper triangle stored row by row, for all i, j: (size, size)."""
    rows, columns = torch.triu_indices(size, size)
    index = torch.zeros(size, size, dtype=torch.int64)
    index[rows, columns] = torch.arange(len(rows))
    index[columns, rows] = index[rows, columns]
    return index

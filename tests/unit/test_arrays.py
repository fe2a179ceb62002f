import pytest
import torch

from sgdphysics.arrays import kronecker_sum, largest_eigenpairs


def test_kronecker_sum_equals_the_loop():
    random = torch.Generator().manual_seed(0)
    left, right = torch.randn(9, 3, 3, generator=random), torch.randn(9, 4, generator=random)
    left = left + left.mT
    expected = sum(torch.kron(a, b[:, None] * b[None, :]) for a, b in zip(left.double(), right.double(), strict=True))
    assert torch.allclose(kronecker_sum(left, right), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [1, 3, 5, 9, None])
def test_largest_eigenpairs_of_a_known_matrix(count):
    basis = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))[0]
    matrix = basis @ torch.diag(torch.tensor([3.0, 1, -2, 5, 0], dtype=torch.float64)) @ basis.T
    values, vectors = largest_eigenpairs(matrix, count)
    assert values.tolist() == pytest.approx([5, 3, 1, 0, -2][:count], abs=1e-10)
    assert torch.allclose(matrix @ vectors.T, vectors.T * values, atol=1e-10)
    with pytest.raises(ValueError, match="non-finite"):
        largest_eigenpairs(matrix * torch.nan)

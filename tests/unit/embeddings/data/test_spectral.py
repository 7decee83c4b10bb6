import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.spectral import SpectralConfig, SpectralVectors, truncated_svd

RNG = np.random.default_rng(0)
LIKED = sp.csr_array((RNG.random((9, 7)) < 0.4).astype(np.float32))


def scores(config: SpectralConfig) -> np.ndarray:
    vectors = SpectralVectors.of(LIKED, config)
    return LIKED @ (vectors.history @ vectors.items.T)


@pytest.mark.parametrize("exact_up_to", [3, 1024])
def test_leading_singular_values_and_vectors(exact_up_to) -> None:
    values, vectors = truncated_svd(LIKED, 3, exact_up_to=exact_up_to)
    _, slow_values, slow = np.linalg.svd(LIKED.toarray())
    np.testing.assert_allclose(values, slow_values[:3], rtol=1e-5)
    np.testing.assert_allclose(np.abs(vectors.T @ slow[:3].T), np.eye(3), atol=1e-4)


@pytest.mark.parametrize("matrix", [LIKED, sp.csr_array(LIKED.T)])
def test_wide_and_tall_matrices(matrix) -> None:
    values, vectors = truncated_svd(matrix, 4)
    _, slow_values, slow = np.linalg.svd(matrix.toarray())
    np.testing.assert_allclose(values, slow_values[:4], rtol=1e-5)
    np.testing.assert_allclose(np.abs(vectors.T @ slow[:4].T), np.eye(4), atol=1e-4)


def test_vectors_of_singular_values_of_zero_are_left_out() -> None:
    of_rank_1 = sp.csr_array(np.ones((5, 4), np.float32))
    values, vectors = truncated_svd(of_rank_1, 3)
    np.testing.assert_allclose(values, [20**0.5], rtol=1e-6)
    np.testing.assert_allclose(np.abs(vectors), np.full((4, 1), 0.5), rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 4), (1, 4), (5, 1)])
def test_a_matrix_without_entries_or_of_one_row_has_one_zero_vector(shape) -> None:
    for matrix in (sp.csr_array(shape, dtype=np.float32), sp.csr_array(np.ones(shape, np.float32))):
        if min(shape) == 1 or not matrix.nnz:
            values, vectors = truncated_svd(matrix, 3)
            assert not values.any()
            assert vectors.shape == (shape[1], 1)
            assert not vectors.any()


def test_without_shrinkage_and_degrees_it_is_pure_svd() -> None:
    _, _, slow = np.linalg.svd(LIKED.toarray())
    expected = LIKED.toarray() @ slow[:3].T @ slow[:3]
    np.testing.assert_allclose(scores(SpectralConfig(3, 0.0, 0.0)), expected, atol=1e-5)


def test_normalised_scores_are_those_of_the_low_pass_filter() -> None:
    """Shen et al. 2021, equation 8: R D_i^-1/2 V V' D_i^1/2 with V of D_u^-1/2 R D_i^-1/2."""
    dense = LIKED.toarray()
    users, items = np.maximum(dense.sum(1), 1) ** -0.5, np.maximum(dense.sum(0), 1) ** -0.5
    _, _, slow = np.linalg.svd(users[:, None] * dense * items)
    expected = (dense * items) @ slow[:2].T @ slow[:2] / items
    np.testing.assert_allclose(scores(SpectralConfig(2, 0.5, 0.0)), expected, atol=1e-5)


def test_shrunk_scores_are_those_of_factorisation_with_a_penalty() -> None:
    """min |X - P Q'|^2 + l |P|^2 + l |Q|^2 over all factors has the solution U max(S - l, 0) V'."""
    left, values, right = np.linalg.svd(LIKED.toarray(), full_matrices=False)
    penalty = 0.5 * values[3]
    expected = left @ np.diag(np.where(np.arange(7) < 4, values - penalty, 0)) @ right
    np.testing.assert_allclose(scores(SpectralConfig(4, 0.0, 0.5)), expected, atol=1e-5)

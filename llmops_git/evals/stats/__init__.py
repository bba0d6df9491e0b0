"""The statistics of the gate: standard library only, pure functions of numbers."""

from __future__ import annotations

from llmops_git.evals.stats.agreement import Kappa, cohen_kappa, cross_table, kappa_of, krippendorff_alpha
from llmops_git.evals.stats.anytime import confidence_sequence, e_mix_sign
from llmops_git.evals.stats.distributions import beta_ppf, betainc, t_cdf, t_ppf
from llmops_git.evals.stats.exact import mcnemar_exact_two_sided, sign_test, signflip_exact
from llmops_git.evals.stats.families import bh, holm
from llmops_git.evals.stats.noncentral import mde_noncentral_t, nct_cdf, power_noncentral_t
from llmops_git.evals.stats.paired import FEWEST_CLUSTERS, AugmentedT, aug_t, cluster_se_plain, mde, paired_t, verdict
from llmops_git.evals.stats.predictions import PpiMean, ppi_mean
from llmops_git.evals.stats.proportions import clopper_pearson, must_pass_false_block, pass_hat_k, rule_of_three, wilson
from llmops_git.evals.stats.ratios import log_ratio, total_ratio
from llmops_git.evals.stats.sequential import crossing, group_sequential

__all__ = [
    "FEWEST_CLUSTERS",
    "AugmentedT",
    "Kappa",
    "PpiMean",
    "aug_t",
    "beta_ppf",
    "betainc",
    "bh",
    "clopper_pearson",
    "cluster_se_plain",
    "cohen_kappa",
    "confidence_sequence",
    "cross_table",
    "crossing",
    "e_mix_sign",
    "group_sequential",
    "holm",
    "kappa_of",
    "krippendorff_alpha",
    "log_ratio",
    "mcnemar_exact_two_sided",
    "mde",
    "mde_noncentral_t",
    "must_pass_false_block",
    "nct_cdf",
    "paired_t",
    "pass_hat_k",
    "power_noncentral_t",
    "ppi_mean",
    "rule_of_three",
    "sign_test",
    "signflip_exact",
    "t_cdf",
    "t_ppf",
    "total_ratio",
    "verdict",
    "wilson",
]

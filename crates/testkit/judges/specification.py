"""By what pyHanko's AdES procedures (EN 319 102-1) judge: one root, and what the file holds."""

from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
)
from pyhanko_certvalidator.registry import SimpleTrustManager


def ades_specification(root, checking=REQUIRE_REVINFO, known=()):
    policy = CertRevTrustPolicy(
        checking,
        freshness=None,
        freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
    )
    # By itself the procedure goes online first, and does not look into the file when that fails.
    gathering = RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY)
    return PdfSignatureValidationSpec(
        signature_validation_spec=SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build([root]),
                revinfo_policy=policy,
            ),
            revinfo_gathering_policy=gathering,
            local_knowledge=LocalKnowledge(nonrevoked_assertions=list(known)),
        ),
        diff_policy=DEFAULT_DIFF_POLICY,
    )

"""`ades_judge.py ROOT FILE...`: a line of JSON for each file, about the signature `Avouch` in it."""

import asyncio
import json
import logging
import signal
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, ModificationLevel
from pyhanko.sign.validation import SignatureCoverageLevel
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

logging.disable(logging.CRITICAL)
root = load_cert_from_pemder(sys.argv[1])
specification = PdfSignatureValidationSpec(
    signature_validation_spec=SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build([root]),
            revinfo_policy=CertRevTrustPolicy(
                REQUIRE_REVINFO,
                freshness=None,
                freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
            ),
        ),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            RevinfoOnlineFetchingRule.LOCAL_ONLY
        ),
    ),
    diff_policy=DEFAULT_DIFF_POLICY,
)


def judge(file):
    reader = PdfFileReader(file, strict=False)
    if reader.encrypted:
        reader.decrypt("")
    [signature] = [one for one in reader.embedded_signatures if one.field_name == "Avouch"]
    now = ValidationTimingInfo.now()
    result = asyncio.run(ades_lta_validation(signature, specification, timing_info=now))
    status = result.ades_subindic.status.name
    if status != "PASSED":
        status += f"/{result.ades_subindic.standard_name}: {result.failure_msg}"
    level = result.api_status.modification_level
    archive = reader.embedded_timestamp_signatures[-1]
    archive.compute_integrity_info()
    return {
        "ades": status,
        "unmodified": level is not None and level < ModificationLevel.OTHER,
        "archived": archive.coverage == SignatureCoverageLevel.ENTIRE_FILE,
    }


def too_long(_signal, _frame):
    raise TimeoutError("no answer in time")


# pyHanko never comes back from some files.
signal.signal(signal.SIGALRM, too_long)
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        try:
            signal.alarm(30)
            verdict = judge(file)
        except Exception as error:
            verdict = {
                "ades": f"{type(error).__name__}: {error}",
                "unmodified": False,
                "archived": False,
            }
        print(json.dumps(verdict))

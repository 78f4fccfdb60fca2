"""pyHanko's AdES verdict on the first signature of each file, by what the file holds alone.

usage: judge.py ROOT.pem FILE...   prints a JSON object: file name to verdict
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

from asn1crypto.ocsp import OCSPResponse
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
from pyhanko.sign.validation import DocumentSecurityStore, validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
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


def archived(signature):
    """With proofs from document time-stamps: the AdES procedure."""
    now = ValidationTimingInfo.now()
    result = asyncio.run(ades_lta_validation(signature, specification, timing_info=now))
    status = result.ades_subindic.status.name
    if status != "PASSED":
        return f"{status}/{result.ades_subindic.standard_name}"
    # The procedure itself knows nothing of later changes.
    return "PASSED" if result.api_status.docmdp_ok else "CHANGED"


def stamped(signature, reader):
    """Without them: as of now, by what the file holds."""
    settings = {
        "trust_roots": [root],
        "allow_fetching": False,
        "revocation_mode": "require",
    }
    if signature.sig_object["/SubFilter"] == "/adbe.pkcs7.detached":
        [archive] = [
            attribute["values"][0]
            for attribute in signature.signer_info["signed_attrs"]
            if attribute["type"].native == "adobe_revocation_info_archival"
        ]
        answers = [OCSPResponse.load(one.dump()) for one in archive["ocsp"]]
        context = ValidationContext(ocsps=answers, **settings)
    elif "/DSS" in reader.root:
        store = DocumentSecurityStore.read_dss(reader)
        context = store.as_validation_context(settings)
    else:
        context = ValidationContext(**settings)
    status = validate_pdf_signature(signature, context)
    return "PASSED" if status.bottom_line else status.summary()


def judge(path):
    with path.open("rb") as handle:
        reader = PdfFileReader(handle)
        signature = reader.embedded_regular_signatures[0]
        if reader.embedded_timestamp_signatures:
            return archived(signature)
        return stamped(signature, reader)


verdicts = {}
for path in map(Path, sys.argv[2:]):
    try:
        verdicts[path.stem] = judge(path)
    except Exception as error:
        verdicts[path.stem] = f"ERROR/{error}"
json.dump(verdicts, sys.stdout)

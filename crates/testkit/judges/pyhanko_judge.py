"""Judges every signature of a PDF with pyHanko and prints the findings as JSON.

usage: pyhanko_judge.py FILE.pdf ROOT.pem ignore|require
"""

import asyncio
import json
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.ades import (
    ades_lta_validation,
    ades_with_time_validation,
)
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
)
from pyhanko_certvalidator.registry import SimpleTrustManager


def timestamp(status):
    if status is None:
        return None
    return {
        "signer": status.signing_cert.subject.human_friendly,
        "time": status.timestamp.isoformat(),
        "intact": status.intact,
        "valid": status.valid,
        "trusted": status.trusted,
    }


async def judge(signature, root, revocation):
    require = revocation == "require"
    context = ValidationContext(
        trust_roots=[root],
        allow_fetching=require,
        revocation_mode="require" if require else "soft-fail",
    )
    plain = await async_validate_pdf_signature(
        signature, signer_validation_context=context
    )

    policy = CertRevTrustPolicy(
        REQUIRE_REVINFO if require else NO_REVOCATION,
        freshness=None,
        freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
    )
    specification = PdfSignatureValidationSpec(
        signature_validation_spec=SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build([root]),
                revinfo_policy=policy,
            )
        ),
        diff_policy=DEFAULT_DIFF_POLICY,
    )
    now = ValidationTimingInfo.now()
    reader = signature.reader
    if "/DSS" in reader.root or reader.embedded_timestamp_signatures:
        ades = await ades_lta_validation(signature, specification, timing_info=now)
    else:
        # EN 319 102-1 5.5: nothing in the file is meant to last (B-B and B-T).
        ades = await ades_with_time_validation(
            signature.signed_data,
            specification.signature_validation_spec,
            timing_info=now,
            raw_digest=signature.compute_digest(),
        )
    indication = ades.ades_subindic.status.name
    if indication != "PASSED":
        indication += "/" + ades.ades_subindic.standard_name

    level = plain.modification_level
    return {
        "field": signature.field_name,
        "subfilter": str(signature.sig_object["/SubFilter"]),
        "signer": plain.signing_cert.subject.human_friendly,
        "digest_algorithm": plain.md_algorithm,
        "intact": plain.intact,
        "valid": plain.valid,
        "trusted": plain.trusted,
        "coverage": plain.coverage.name,
        "modification_level": level.name if level is not None else "OTHER",
        "timestamp": timestamp(plain.timestamp_validity),
        "bottom_line": plain.bottom_line,
        "ades": indication,
        "ades_message": ades.failure_msg,
    }


async def main(pdf, root, revocation):
    trusted = load_cert_from_pemder(root)
    with open(pdf, "rb") as handle:
        reader = PdfFileReader(handle)
        findings = [
            await judge(signature, trusted, revocation)
            for signature in reader.embedded_regular_signatures
        ]
    json.dump(findings, sys.stdout)


asyncio.run(main(*sys.argv[1:]))

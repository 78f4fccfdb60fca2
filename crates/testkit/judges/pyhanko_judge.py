"""Judges every signature of PDFs with pyHanko and prints the findings as JSON, a list for each.

usage: pyhanko_judge.py ignore|require|offline|kept ROOT.pem FILE.pdf...

`offline`: by what the files carry. `kept`: and by the word that the unit of the newest archive
time-stamp is not revoked, which is what anyone would ask its authority for.
"""

import asyncio
import json
import logging
import sys
from datetime import datetime, timezone

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    async_validate_pdf_signature,
)
from pyhanko.sign.validation.ades import (
    ades_lta_validation,
    ades_with_time_validation,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    NonRevokedStatusAssertion,
)
from specification import ades_specification

# It tells of every path that it tried in vain.
logging.disable(logging.CRITICAL)


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


def plain_context(reader, root, revocation):
    settings = {
        "trust_roots": [root],
        "allow_fetching": revocation == "require",
        "revocation_mode": "soft-fail" if revocation == "ignore" else "require",
    }
    if revocation not in ("offline", "kept"):
        return ValidationContext(**settings)
    if "/DSS" not in reader.root:
        return ValidationContext(ocsps=[], **settings)
    return DocumentSecurityStore.read_dss(reader).as_validation_context(settings)


def unrevoked(reader):
    newest = reader.embedded_timestamp_signatures[-1]
    return [
        NonRevokedStatusAssertion(certificate.sha256, at=datetime.now(timezone.utc))
        for certificate in [newest.signer_cert, *newest.other_embedded_certs]
    ]


async def judge(signature, root, revocation):
    reader = signature.reader
    plain = await async_validate_pdf_signature(
        signature, signer_validation_context=plain_context(reader, root, revocation)
    )
    known = ()
    if revocation == "kept" and reader.embedded_timestamp_signatures:
        known = unrevoked(reader)
    checking = NO_REVOCATION if revocation == "ignore" else REQUIRE_REVINFO
    specification = ades_specification(root, checking, known)
    now = ValidationTimingInfo.now()
    lasting = "/DSS" in reader.root or reader.embedded_timestamp_signatures
    if lasting and revocation != "ignore":
        ades = await ades_lta_validation(signature, specification, timing_info=now)
    else:
        # EN 319 102-1 5.5: nothing in the file is meant to last (B-B and B-T), or nobody asks. The
        # procedure for what lasts slides back in time along the revocation data.
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


async def judge_file(path, root, revocation):
    with open(path, "rb") as handle:
        reader = PdfFileReader(handle)
        return [
            await judge(signature, root, revocation)
            for signature in reader.embedded_regular_signatures
        ]


async def main(revocation, root, *files):
    trusted = load_cert_from_pemder(root)
    findings = [await judge_file(path, trusted, revocation) for path in files]
    json.dump(findings, sys.stdout)


asyncio.run(main(*sys.argv[1:]))

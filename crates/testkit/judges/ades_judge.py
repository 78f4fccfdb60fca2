"""pyHanko's verdict on one signature of each file, by what the file holds alone, as JSON.

usage: ades_judge.py ROOT.pem FIELD FILE.pdf...   an empty FIELD means the first signature
"""

import asyncio
import json
import logging
import signal
import sys

from asn1crypto.ocsp import OCSPResponse
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    SignatureCoverageLevel,
    validate_pdf_signature,
)
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from specification import ades_specification

# pyHanko never comes back from some files.
PATIENCE_SECONDS = 30

logging.disable(logging.CRITICAL)


def archived(signature, root):
    """With proofs from document time-stamps: the AdES procedure."""
    result = asyncio.run(
        ades_lta_validation(
            signature, ades_specification(root), timing_info=ValidationTimingInfo.now()
        )
    )
    verdict = result.ades_subindic.status.name
    if verdict != "PASSED":
        verdict += f"/{result.ades_subindic.standard_name}: {result.failure_msg}"
    # The procedure itself knows nothing of later changes.
    return verdict, bool(result.api_status.docmdp_ok)


def stamped(signature, root):
    """Without them: as of now."""
    settings = {
        "trust_roots": [root],
        "allow_fetching": False,
        "revocation_mode": "require",
    }
    reader = signature.reader
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
    verdict = "PASSED" if status.bottom_line else status.summary()
    return verdict, bool(status.docmdp_ok)


def judge(handle, root, field):
    reader = PdfFileReader(handle, strict=False)
    if reader.encrypted:
        reader.decrypt("")
    signature = next(
        one
        for one in reader.embedded_regular_signatures
        if field in ("", one.field_name)
    )
    procedure, covered = stamped, False
    if reader.embedded_timestamp_signatures:
        newest = reader.embedded_timestamp_signatures[-1]
        newest.compute_integrity_info()
        procedure = archived
        covered = newest.coverage == SignatureCoverageLevel.ENTIRE_FILE
    verdict, unmodified = procedure(signature, root)
    return {"verdict": verdict, "unmodified": unmodified, "archived": covered}


def judge_file(path, root, field):
    signal.alarm(PATIENCE_SECONDS)
    try:
        with open(path, "rb") as handle:
            return judge(handle, root, field)
    except Exception as error:
        verdict = f"{type(error).__name__}: {error}"
        return {"verdict": verdict, "unmodified": False, "archived": False}
    finally:
        signal.alarm(0)


def too_long(_signal, _frame):
    raise TimeoutError("no answer in time")


def main(root, field, *files):
    trusted = load_cert_from_pemder(root)
    json.dump([judge_file(path, trusted, field) for path in files], sys.stdout)


signal.signal(signal.SIGALRM, too_long)
main(*sys.argv[1:])

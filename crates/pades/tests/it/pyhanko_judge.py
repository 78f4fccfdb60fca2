"""`pyhanko_judge.py ROOT FILE...`: a line of JSON for each file, a list of its signatures."""

import json
import logging
import sys

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

logging.disable(logging.CRITICAL)
root = x509.Certificate.load(pem.unarmor(open(sys.argv[1], "rb").read())[2])
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        opinions = []
        reader = PdfFileReader(file, strict=False)
        if reader.encrypted:
            reader.decrypt("")
        for signature in reader.embedded_signatures:
            context = ValidationContext(trust_roots=[root], allow_fetching=False)
            status = validate_pdf_signature(signature, context)
            opinions.append({
                "field": signature.field_name,
                "sound": status.intact and status.valid,
                "trusted": status.trusted,
                "unmodified": status.coverage == SignatureCoverageLevel.ENTIRE_FILE
                or (status.modification_level or ModificationLevel.OTHER)
                < ModificationLevel.OTHER,
                "stamped": status.timestamp_validity is not None
                and status.timestamp_validity.valid and status.timestamp_validity.intact
                and status.timestamp_validity.trusted,
                "whole": status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
            })
        print(json.dumps(opinions))
